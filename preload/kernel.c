/* SPDX-License-Identifier: MIT */
/* Asks the kernel about sockets. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "clock.h"
#include "kernel.h"
#include "sites.h"
#include "sys.h"

/* TCP states, <netinet/tcp.h>; that header clashes with <linux/tcp.h>. */
#define STATE_CLOSE_WAIT 8

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

#define NS_PER_MS 1000000ull

uint64_t kernel_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	return sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie
									      : 0;
}

static int option(int fd, int name)
{
	int value = 0;
	socklen_t size = sizeof value;
	int r = sys_getsockopt(fd, SOL_SOCKET, name, &value, &size);

	return r < 0 ? r : value;
}

bool kernel_kind(int fd, int *domain, int *type, int *protocol)
{
	*domain = option(fd, SO_DOMAIN);
	if (*domain < 0)
		return false;
	*type = option(fd, SO_TYPE);
	*protocol = option(fd, SO_PROTOCOL);
	return *type > 0;
}

bool kernel_listening(int fd)
{
	return option(fd, SO_ACCEPTCONN) == 1;
}

bool kernel_peer(int fd, struct sockaddr_storage *address, socklen_t *size)
{
	return sys_call(SYS_getpeername, fd, address, size, 0) == 0;
}

bool kernel_connected(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	return kernel_peer(fd, &address, &size);
}

static bool tcp_info(int fd, struct tcp_info *info)
{
	socklen_t size = sizeof *info;

	memset(info, 0, sizeof *info);
	return sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

static bool is_inet_stream(const struct cw_socket *s)
{
	return (s->domain == AF_INET || s->domain == AF_INET6) && s->type == SOCK_STREAM;
}

static bool hung_up(int fd, uint32_t *flags)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	*flags = 0;
	if (sys_poll(&p, 1, 0) != 1)
		return false;
	*flags |= p.revents & POLLRDHUP ? CW_LOOK_RDHUP : 0;
	*flags |= p.revents & POLLHUP ? CW_LOOK_HUP : 0;
	*flags |= p.revents & POLLERR ? CW_LOOK_ERR : 0;
	return *flags & (CW_LOOK_RDHUP | CW_LOOK_HUP);
}

bool kernel_hung_up(int fd)
{
	uint32_t flags;

	return hung_up(fd, &flags);
}

/* The SYN is the first byte that the peer acknowledges. */
bool kernel_was_connected(int fd)
{
	struct tcp_info info;

	return tcp_info(fd, &info) && info.tcpi_bytes_acked;
}

bool kernel_peer_closed(int fd, const struct cw_socket *s, uint64_t *at_least)
{
	struct tcp_info info;
	uint32_t flags;

	*at_least = 0;
	if (is_inet_stream(s)) {
		if (!tcp_info(fd, &info) || info.tcpi_state != STATE_CLOSE_WAIT)
			return false;
		/* The FIN came between the two, unless a keepalive was answered since. */
		*at_least = (info.tcpi_last_ack_recv < info.tcpi_last_data_recv
				     ? info.tcpi_last_ack_recv
				     : info.tcpi_last_data_recv) *
			    NS_PER_MS;
		return true;
	}
	/* The kernel keeps no time for AF_UNIX: the peer may have left just now. */
	return s->domain == AF_UNIX && s->type == SOCK_STREAM && hung_up(fd, &flags);
}

void kernel_address(struct books *b, const void *from, uint32_t size, struct cw_addr *to)
{
	const struct sockaddr *any = from;
	char path[sizeof(struct sockaddr_un)];

	*to = (struct cw_addr){0};
	if (size < sizeof any->sa_family)
		return;
	if (any->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = from;

		to->port = ntohs(in->sin_port);
		__builtin_memcpy(to->ip, &in->sin_addr, 4);
	} else if (any->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = from;

		to->port = ntohs(in6->sin6_port);
		to->scope = in6->sin6_scope_id;
		__builtin_memcpy(to->ip, &in6->sin6_addr, 16);
	} else if (any->sa_family == AF_UNIX) {
		const struct sockaddr_un *un = from;
		size_t n = size - offsetof(struct sockaddr_un, sun_path);

		n = n < sizeof un->sun_path ? n : sizeof un->sun_path;
		memcpy(path, un->sun_path, n);
		path[n] = 0;
		if (n && !path[0])
			path[0] = '@'; /* the abstract name space */
		if (b && path[0])
			to->path = site_string(b, path);
	} else {
		return;
	}
	to->family = any->sa_family;
}

static void addresses(struct books *b, int fd, struct cw_look *look)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	if (sys_call(SYS_getsockname, fd, &address, &size, 0) == 0)
		kernel_address(b, &address, size, &look->local);
	size = sizeof address;
	if (sys_call(SYS_getpeername, fd, &address, &size, 0) == 0)
		kernel_address(b, &address, size, &look->peer);
}

static uint32_t queue(int fd, unsigned long request)
{
	int bytes = 0;

	return sys_call(SYS_ioctl, fd, request, &bytes, 0) == 0 && bytes > 0
		       ? (uint32_t)bytes
		       : 0;
}

static void look_at_tcp(int fd, struct cw_look *look)
{
	struct tcp_info info;

	if (!tcp_info(fd, &info))
		return;
	look->flags |= CW_LOOK_TCP;
	look->state = info.tcpi_state;
	look->last_data_sent = info.tcpi_last_data_sent;
	look->last_data_recv = info.tcpi_last_data_recv;
	look->last_ack_recv = info.tcpi_last_ack_recv;
	look->bytes_received = info.tcpi_bytes_received;
	look->bytes_acked = info.tcpi_bytes_acked;
}

void kernel_look(struct books *b, int fd, const struct cw_socket *s, struct cw_look *look)
{
	struct stat st;
	uint32_t flags;

	memset(look, 0, sizeof *look);
	look->taken = clock_ns();
	look->fd = fd;
	if (sys_fstat(fd, &st) != 0 || (s->cookie && kernel_cookie(fd) != s->cookie)) {
		look->flags = CW_LOOK_GONE;
		return;
	}
	look->inode = st.st_ino;
	addresses(b, fd, look);
	if (s->type != SOCK_STREAM)
		return;
	if (is_inet_stream(s))
		look_at_tcp(fd, look);
	hung_up(fd, &flags);
	look->flags |= flags;
	if (!(atomic_load_explicit(&s->flags, memory_order_relaxed) &
	      CW_SOCKET_LISTENING)) {
		look->unread = queue(fd, SIOCINQ);
		look->unsent = queue(fd, SIOCOUTQ);
	}
}
