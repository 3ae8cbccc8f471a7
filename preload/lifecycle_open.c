/* SPDX-License-Identifier: MIT */
/* How sockets come to the process. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "aside.h"
#include "clock.h"
#include "events.h"
#include "kernel.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "rare.h"
#include "rmw.h"
#include "shortage.h"
#include "site_stats.h"
#include "sites.h"
#include "sys.h"
#include "text_build.h"
#include "thread.h"
#include "twins.h"

static void set_kind(struct cw_socket *s, int domain, int type, int protocol)
{
	s->domain = (uint8_t)domain;
	s->type = (uint8_t)(type & 0xf); /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
	s->protocol = (uint8_t)protocol;
}

/* Only a link-local address has one. */
static void set_scope(struct books *b, struct cw_socket *s, uint32_t scope)
{
	struct cw_aside *a = scope ? aside_of(b, s) : aside_there(s);

	if (a)
		a->peer_scope = scope;
}

HOT static void set_peer(struct books *b, struct cw_socket *s, const void *address,
			 socklen_t size)
{
	struct cw_addr a;

	if (!address)
		return;
	kernel_address(NULL, address, size, &a);
	if (a.family != AF_INET && a.family != AF_INET6)
		return;
	s->peer_family = (uint8_t)a.family;
	s->peer_port = a.port;
	set_scope(b, s, a.scope);
	__builtin_memcpy(s->peer_ip, a.ip, sizeof a.ip);
}

/* Makes the record visible under fd, and returns its entry; 0: it is not there. Whatever stood
 * there was closed out of our sight. */
static uint64_t enter(struct books *b, struct cw_socket *s, int fd)
{
	uint64_t entry = socket_commit(s);
	uint64_t old = 0;
	bool there = s->origin == CW_ORIGIN_ADOPTED ? fd_enter_free(b, fd, entry)
						    : fd_enter(b, fd, entry, &old);

	if (!there) {
		struct cw_socket *pinned = socket_pin(entry);

		socket_unref(pinned);
		socket_unpin(b, pinned);
		return 0;
	}
	if (old && twins(s, old))
		twin_forget(b, old);
	else if (old)
		lifecycle_gone(b, old);
	return entry;
}

/* `site` is 0 where no code of the program's opened it. */
HOT static struct cw_socket *record_at(struct books *b, int fd, enum cw_origin origin,
				       cw_ref site)
{
	struct cw_socket *s = socket_new(b);

	if (!s)
		return NULL;
	s->opened = clock_ns();
	s->cookie = kernel_cookie(fd);
	s->fd = fd;
	s->tid = thread_id();
	s->origin = (uint8_t)origin;
	s->open_site = site;
	s->stats = site_stats(b, site, origin);
	return s;
}

static struct cw_socket *record(struct books *b, int fd, enum cw_origin origin)
{
	return record_at(b, fd, origin, site_here(b));
}

/* Returns its entry, 0: it is not there. */
HOT static uint64_t opened(struct books *b, struct cw_socket *s, int fd)
{
	cw_ref stats = s->stats;
	cw_ref site = s->open_site;
	uint64_t ns = s->opened;
	uint64_t entry = enter(b, s, fd);

	if (!entry)
		return 0;
	rmw_add64(&b->process->opened, 1);
	site_stats_opened(stats);
	event_add(b, CW_EVENT_OPEN, ns, fd, entry, site);
	return entry;
}

void lifecycle_socket(int fd, int domain, int type, int protocol, enum cw_origin origin)
{
	struct books *b = books_for_socket();
	struct cw_socket *s = b ? record(b, fd, origin) : NULL;

	if (!s)
		return;
	set_kind(s, domain, type, protocol);
	if (origin == CW_ORIGIN_SOCKETPAIR)
		atomic_store_explicit(&s->flags, CW_SOCKET_CONNECTED | CW_SOCKET_TOUCHED,
				      memory_order_relaxed);
	opened(b, s, fd);
}

/* Is there a peer, or was there one? */
static bool has_connection(int fd, const struct cw_socket *s)
{
	return kernel_connected(fd) || (s->type == SOCK_STREAM &&
					(s->domain == AF_INET || s->domain == AF_INET6) &&
					kernel_was_connected(fd));
}

uint64_t lifecycle_take(struct books *b, int fd, enum cw_origin origin, uint32_t flags)
{
	int domain;
	int type;
	int protocol;
	struct cw_socket *s;

	if (!kernel_kind(fd, &domain, &type, &protocol))
		return 0;
	s = record_at(b, fd, origin, flags & CW_SOCKET_FOUND ? 0 : site_here(b));
	if (!s)
		return 0;
	set_kind(s, domain, type, protocol);
	if (kernel_listening(fd))
		flags |= CW_SOCKET_LISTENING;
	else if (has_connection(fd, s))
		flags |= CW_SOCKET_CONNECTED;
	atomic_store(&s->flags, flags);
	return opened(b, s, fd);
}

/* Without a cookie it was closed before that was asked, or the kernel gives none. */
static bool stands_behind(int fd, const struct cw_socket *s)
{
	int domain;
	int type;
	int protocol;

	if (kernel_cookie(fd) != s->cookie)
		return false;
	return s->cookie ||
	       (kernel_kind(fd, &domain, &type, &protocol) && !kernel_cookie(fd));
}

/* Another thread may have closed it since, which had taken its own record out before. If it stands
 * behind its number after it was entered there, whoever closes it will find it. */
static bool is_still_there(struct books *b, int fd, uint64_t entry)
{
	struct cw_socket *s = socket_pin(entry);
	bool there = s && stands_behind(fd, s);

	if (there)
		atomic_fetch_and(&s->flags, ~CW_SOCKET_UNSETTLED);
	else if (s && fd_forget(b, fd, entry))
		twin_forget(b, entry);
	if (s)
		socket_unpin(b, s);
	return there;
}

uint64_t lifecycle_adopt(struct books *b, int fd)
{
	uint64_t entry;

	/* Where there was no room once, the data path must not try again at every call. */
	if ((unsigned)fd >= CW_FD_MAX ||
	    atomic_load_explicit(&b->process->lost[CW_LOST_SOCKETS],
				 memory_order_relaxed))
		return 0;
	entry = lifecycle_take(b, fd, CW_ORIGIN_ADOPTED, CW_SOCKET_UNSETTLED);
	return entry && is_still_there(b, fd, entry) ? entry : 0;
}

/* The listener's kind is that of what it accepts; it is adopted if nobody told us of it. */
static bool kind_from_listener(struct books *b, int listener, uint64_t entry,
			       struct cw_socket *s)
{
	const struct cw_socket *l;

	if (!entry)
		entry = lifecycle_adopt(b, listener);
	l = socket_owned(entry);
	if (!l)
		return false;
	/* Not pinned: was it the listener's to the last? What is read must be read by then. */
	s->domain = __atomic_load_n(&l->domain, __ATOMIC_ACQUIRE);
	s->type = __atomic_load_n(&l->type, __ATOMIC_ACQUIRE);
	s->protocol = __atomic_load_n(&l->protocol, __ATOMIC_ACQUIRE);
	s->local = __atomic_load_n(&l->local, __ATOMIC_ACQUIRE);
	if (socket_owned(entry))
		return true;
	s->local = 0;
	return false;
}

HOT void lifecycle_accepted(int listener, uint64_t entry, int fd, const void *peer,
			    socklen_t size)
{
	struct books *b = books_for_socket();
	struct cw_socket *s = b ? record(b, fd, CW_ORIGIN_ACCEPT) : NULL;
	int domain;
	int type;
	int protocol;

	if (!s)
		return;
	if (!kind_from_listener(b, listener, entry, s) &&
	    kernel_kind(fd, &domain, &type, &protocol))
		set_kind(s, domain, type, protocol);
	set_peer(b, s, peer, size);
	atomic_store_explicit(&s->flags, CW_SOCKET_CONNECTED | CW_SOCKET_TOUCHED,
			      memory_order_relaxed);
	opened(b, s, fd);
}

/* connect() to AF_UNSPEC has parted socket and peer: the record begins afresh, with what a new
 * connection would be told by, and keeps only where it was opened. The flags go first, and with
 * them whatever they vouch for. A call that another thread is in meanwhile may still note what it
 * learned of the old connection: such a thread races with the program's own connect(), too. */
static void dissolved(struct cw_socket *s)
{
	struct cw_aside *a = aside_there(s);

	atomic_fetch_and(&s->flags, CW_SOCKET_STDIO | CW_SOCKET_TOUCHED);
	atomic_store_explicit(&s->eofs, 0, memory_order_relaxed);
	atomic_store_explicit(&s->moved, 0, memory_order_relaxed);
	atomic_store_explicit(&s->bytes_in, 0, memory_order_relaxed);
	atomic_store_explicit(&s->bytes_out, 0, memory_order_relaxed);
	atomic_store_explicit(&s->last_call, CW_CALL_NONE, memory_order_relaxed);
	s->first_read_site = 0;
	s->first_write_site = 0;
	s->eof_site = 0;
	if (a) {
		a->told_site = 0;
		a->shutdown_site = 0;
		a->reset_site = 0;
	}
	s->peer_family = 0;
}

/* For an address that the kernel has taken: it can be read. */
static bool is_unspecified(const void *address, socklen_t size)
{
	const struct sockaddr *any = address;

	return size >= sizeof any->sa_family && any->sa_family == AF_UNSPEC;
}

void lifecycle_connected(int fd, uint64_t entry, int result, const void *peer,
			 socklen_t size)
{
	struct books *b = books_for_socket();
	uint32_t state = result == 0 ? CW_SOCKET_CONNECTED : CW_SOCKET_CONNECTING;
	struct cw_socket *s;

	if (!b || (result != 0 && errno != EINPROGRESS && errno != EINTR))
		return;
	if (!entry)
		entry = lifecycle_adopt(b, fd);
	s = lifecycle_still(b, fd, entry);
	if (!s)
		return;
	if (result == 0 && is_unspecified(peer, size)) {
		dissolved(s);
		socket_unpin(b, s);
		return;
	}
	if (s->origin == CW_ORIGIN_SOCKET) {
		s->origin = CW_ORIGIN_CONNECT;
		if (s->stats)
			((struct cw_stats *)ref_pointer(s->stats))->origin =
				CW_ORIGIN_CONNECT;
	}
	set_peer(b, s, peer, size);
	rmw_or32(&s->flags, state | CW_SOCKET_TOUCHED);
	socket_unpin(b, s);
}

/* Others than TCP ignore MSG_FASTOPEN, and TCP refuses it where it is connected. */
void lifecycle_sent_connecting(int fd, uint64_t entry, ssize_t n, const void *peer,
			       socklen_t size)
{
	struct books *b = books_here();
	struct cw_socket *s = b ? lifecycle_still(b, fd, entry) : NULL;
	bool is_tcp;

	if (!s)
		return;
	is_tcp = s->type == SOCK_STREAM && s->domain != AF_UNIX;
	socket_unpin(b, s);
	if (is_tcp && peer)
		lifecycle_connected(fd, entry, n >= 0 ? 0 : -1, peer, size);
}

/* "10.0.0.5:8080", "[::1]:80": the address a listener is bound to, as its connections
 * show it. */
static cw_ref bound_to(struct books *b, int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char ip[INET6_ADDRSTRLEN];
	char text[INET6_ADDRSTRLEN + 16];
	struct text_build t = text_build_in(text, sizeof text);
	struct cw_addr a;

	if (sys_call(SYS_getsockname, fd, &address, &size, 0) != 0)
		return 0;
	kernel_address(b, &address, size, &a);
	if (a.family == AF_UNIX)
		return a.path;
	if (a.family != AF_INET && a.family != AF_INET6)
		return 0;
	inet_ntop(a.family, a.ip, ip, sizeof ip);
	text_build_string(&t, a.family == AF_INET6 ? "[" : "");
	text_build_string(&t, ip);
	text_build_string(&t, a.family == AF_INET6 ? "]:" : ":");
	text_build_number(&t, a.port);
	return site_string(b, text);
}

void lifecycle_listening(int fd, uint64_t entry)
{
	struct books *b = books_for_socket();
	struct cw_socket *s;
	int saved = errno;

	if (b && !entry)
		entry = lifecycle_adopt(b, fd);
	s = b ? lifecycle_still(b, fd, entry) : NULL;
	if (!s)
		return;
	s->local = bound_to(b, fd);
	atomic_fetch_or(&s->flags, CW_SOCKET_LISTENING);
	socket_unpin(b, s);
	errno = saved;
}

void lifecycle_stdio(int fd)
{
	struct books *b = books_here();
	struct cw_socket *s = b ? socket_pin(fd_entry(b, fd)) : NULL;

	if (!s)
		return;
	atomic_fetch_or(&s->flags, CW_SOCKET_STDIO);
	socket_unpin(b, s);
}

void lifecycle_open_failed(void)
{
	struct books *b;
	uint64_t never = 0;

	if (errno != EMFILE && errno != ENFILE)
		return;
	b = books_here();
	if (!b)
		return;
	atomic_fetch_add_explicit(&b->process->exhausted, 1, memory_order_relaxed);
	if (atomic_compare_exchange_strong(&b->process->exhausted_first, &never,
					   clock_ns()))
		shortage_say(b, errno);
}

void lifecycle_duplicated(int newfd, uint64_t entry)
{
	struct books *b = books_here();
	uint64_t old;

	if (!b || !entry || !socket_ref(entry))
		return;
	if (!fd_enter(b, newfd, entry, &old)) {
		lifecycle_drop(b, entry);
		return;
	}
	if (old)
		lifecycle_gone(b, old);
	event_add(b, CW_EVENT_DUP, clock_ns(), newfd, entry, 0);
}
