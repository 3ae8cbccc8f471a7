/* SPDX-License-Identifier: MIT */
/* Dumps of inet_diag and unix_diag over libmnl. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "diag.h"
#include "netns.h"

/* Of <netinet/tcp.h>, which cannot be had beside <linux/tcp.h>. */
#define STATE_CLOSE_WAIT 8
#define STATE_LISTEN     10

/* sk_shutdown of the kernel: <net/sock.h>. */
#define RCV_SHUTDOWN  1
#define BOTH_SHUTDOWN 3

struct dump {
	diag_visit *visit;
	void *context;
	bool hung_up; /* of AF_UNIX: only these */
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static uint64_t cookie_of(const uint32_t halves[2])
{
	return (uint64_t)halves[1] << 32 | halves[0];
}

static void fill_address(struct cw_addr *address, uint8_t family, const __be32 *ip,
			 __be16 port, uint32_t scope)
{
	address->family = family;
	address->port = be16toh(port);
	address->scope = family == AF_INET6 ? scope : 0;
	memcpy(address->ip, ip, family == AF_INET6 ? 16 : 4);
}

/* An older kernel's tcp_info is shorter, a newer one's longer. */
static void fill_tcp_info(struct cw_look *look, const struct nlattr *attribute)
{
	struct tcp_info info = {0};
	size_t size = mnl_attr_get_payload_len(attribute);

	memcpy(&info, mnl_attr_get_payload(attribute),
	       size < sizeof(info) ? size : sizeof(info));
	look->flags |= CW_LOOK_TCP;
	look->last_data_sent = info.tcpi_last_data_sent;
	look->last_data_recv = info.tcpi_last_data_recv;
	look->last_ack_recv = info.tcpi_last_ack_recv;
	look->bytes_received = info.tcpi_bytes_received;
	look->bytes_acked = info.tcpi_bytes_acked;
}

static int visit_inet(const struct nlmsghdr *message, void *context)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	const struct inet_diag_sockid *id = &diag->id;
	struct dump *dump = context;
	const struct nlattr *attribute;
	struct diag_socket socket = {
		.cookie = cookie_of(id->idiag_cookie),
		.uid = diag->idiag_uid,
		.queue = diag->idiag_rqueue,
		.look = {.taken = now(), .inode = diag->idiag_inode},
	};
	struct cw_look *look = &socket.look;

	look->state = diag->idiag_state;
	/* Of a listener the queues are its backlog and the limit on it. */
	look->unsent = diag->idiag_state == STATE_LISTEN ? 0 : diag->idiag_wqueue;
	look->unread = diag->idiag_state == STATE_LISTEN ? 0 : diag->idiag_rqueue;
	/* In this state the peer's FIN is counted until it is taken. */
	if (look->unread && diag->idiag_state == STATE_CLOSE_WAIT) {
		look->unread--;
		look->flags |= CW_LOOK_FIN_UNREAD;
	}
	fill_address(&look->local, diag->idiag_family, id->idiag_src, id->idiag_sport,
		     id->idiag_if);
	fill_address(&look->peer, diag->idiag_family, id->idiag_dst, id->idiag_dport,
		     id->idiag_if);
	mnl_attr_for_each(attribute, message, sizeof(*diag))
	{
		if (mnl_attr_get_type(attribute) == INET_DIAG_INFO)
			fill_tcp_info(look, attribute);
	}
	dump->visit(dump->context, &socket);
	return MNL_CB_OK;
}

static int visit_unix(const struct nlmsghdr *message, void *context)
{
	const struct unix_diag_msg *diag = mnl_nlmsg_get_payload(message);
	struct dump *dump = context;
	const struct nlattr *attribute;
	struct diag_socket socket = {
		.cookie = cookie_of(diag->udiag_cookie),
		.look = {.taken = now(), .inode = diag->udiag_ino},
	};
	struct cw_look *look = &socket.look;

	mnl_attr_for_each(attribute, message, sizeof(*diag))
	{
		const void *payload = mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == UNIX_DIAG_RQLEN)
			look->unread =
				((const struct unix_diag_rqlen *)payload)->udiag_rqueue;
		if (mnl_attr_get_type(attribute) != UNIX_DIAG_SHUTDOWN)
			continue;
		if (*(const uint8_t *)payload & RCV_SHUTDOWN)
			look->flags |= CW_LOOK_RDHUP;
		if (*(const uint8_t *)payload == BOTH_SHUTDOWN)
			look->flags |= CW_LOOK_HUP;
	}
	if (!dump->hung_up || look->flags & CW_LOOK_HUP)
		dump->visit(dump->context, &socket);
	return MNL_CB_OK;
}

static int run(struct mnl_socket *netlink, const struct nlmsghdr *request, mnl_cb_t visit,
	       struct dump *dump)
{
	static char answer[65536] __attribute__((aligned(8)));
	unsigned port = mnl_socket_get_portid(netlink);
	ssize_t got;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(netlink, request, request->nlmsg_len) < 0)
		return -errno;
	while (more == MNL_CB_OK) {
		got = mnl_socket_recvfrom(netlink, answer, sizeof(answer));
		if (got < 0)
			return -errno;
		more = mnl_cb_run(answer, (size_t)got, request->nlmsg_seq, port, visit,
				  dump);
	}
	return more == MNL_CB_STOP ? 0 : -errno;
}

static int dump_inet(struct mnl_socket *netlink, uint8_t family,
		     const struct diag_wanted *which, struct dump *dump)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *wanted;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = family;
	wanted = mnl_nlmsg_put_extra_header(request, sizeof(*wanted));
	wanted->sdiag_family = family;
	wanted->sdiag_protocol = IPPROTO_TCP;
	wanted->idiag_ext = which->brief ? 0 : 1 << (INET_DIAG_INFO - 1);
	wanted->idiag_states = which->states;
	return run(netlink, request, visit_inet, dump);
}

static int dump_tcp(struct mnl_socket *netlink, const struct diag_wanted *wanted,
		    struct dump *dump)
{
	int error = dump_inet(netlink, AF_INET, wanted, dump);

	return error ? error : dump_inet(netlink, AF_INET6, wanted, dump);
}

static int dump_unix(struct mnl_socket *netlink, struct dump *dump)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct unix_diag_req *wanted;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = AF_UNIX;
	wanted = mnl_nlmsg_put_extra_header(request, sizeof(*wanted));
	wanted->sdiag_family = AF_UNIX;
	wanted->udiag_states = ~0u;
	wanted->udiag_show = UDIAG_SHOW_RQLEN;
	return run(netlink, request, visit_unix, dump);
}

/* Of the network namespace of `pid`; `netns` as in netns_netlink(). */
static int open_netlink(pid_t pid, uint64_t netns, struct mnl_socket **netlink)
{
	int fd = netns_netlink(pid, netns, NETLINK_SOCK_DIAG);
	int error;

	if (fd < 0)
		return fd;
	*netlink = mnl_socket_fdopen(fd);
	if (!*netlink) {
		error = errno;
		close(fd);
		return -error;
	}
	if (mnl_socket_bind(*netlink, 0, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	error = errno;
	mnl_socket_close(*netlink);
	return -error;
}

int diag_each(pid_t pid, diag_visit *visit, void *context)
{
	static const struct diag_wanted all = {.states = ~0u};
	struct dump dump = {.visit = visit, .context = context};
	struct mnl_socket *netlink;
	int error = open_netlink(pid, 0, &netlink);

	if (error)
		return error;
	error = dump_tcp(netlink, &all, &dump);
	/* A kernel may be built without unix_diag: those sockets stay unknown. */
	if (!error)
		dump_unix(netlink, &dump);
	mnl_socket_close(netlink);
	return error;
}

int diag_tcp(pid_t pid, uint64_t netns, const struct diag_wanted *wanted,
	     diag_visit *visit, void *context)
{
	struct dump dump = {.visit = visit, .context = context};
	struct mnl_socket *netlink;
	int error = open_netlink(pid, netns, &netlink);

	if (error)
		return error;
	error = dump_tcp(netlink, wanted, &dump);
	mnl_socket_close(netlink);
	return error;
}

int diag_hung_up(pid_t pid, uint64_t netns, diag_visit *visit, void *context)
{
	struct dump dump = {.visit = visit, .context = context, .hung_up = true};
	struct mnl_socket *netlink;
	int error = open_netlink(pid, netns, &netlink);

	if (error)
		return error;
	error = dump_unix(netlink, &dump);
	mnl_socket_close(netlink);
	return error;
}
