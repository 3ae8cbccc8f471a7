/* SPDX-License-Identifier: MIT */
/* How sockets are passed on to other processes, and come from them. */
#include "aside.h"
#include "clock.h"
#include "events.h"
#include "kernel.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "passed.h"
#include "sites.h"

/* Descriptors among which a received one is looked for: those who hold more are not asked, and
 * keep two records of it. */
#define SEARCHED 4096u

uint64_t lifecycle_moment(void)
{
	struct books *b = books_here();

	return b ? atomic_load_explicit(&b->process->last_event, memory_order_relaxed)
		 : 0;
}

void lifecycle_sent(int fd, uint64_t before)
{
	struct books *b = books_here();
	uint64_t entry = b ? fd_entry(b, fd) : 0;
	struct cw_socket *s = socket_pin(entry);
	uint64_t now;

	if (!s)
		return;
	if (s->opened <= before) {
		cw_ref site = site_here(b);
		struct cw_aside *a = aside_of(b, s);

		now = clock_ns();
		if (a)
			a->sent_site = site;
		atomic_fetch_or_explicit(&s->flags, CW_SOCKET_SENT | CW_SOCKET_TOUCHED,
					 memory_order_release);
		passed_add(b, s, site, now);
		event_add(b, CW_EVENT_SENT, now, fd, entry, site);
	}
	socket_unpin(b, s);
}

struct search {
	uint64_t cookie;
	uint64_t found; /* entry */
	unsigned left;
};

static void compare(void *context, struct books *b, int fd, uint64_t entry)
{
	struct search *search = context;

	(void)b;
	(void)fd;
	if (search->left && !search->found &&
	    entry_socket(entry)->cookie == search->cookie)
		search->found = entry;
	search->left -= search->left > 0;
}

/* Only who has passed sockets on, has looked at a message without taking it, or has inherited
 * some can be given one that it holds already. */
static bool may_hold(const struct books *b)
{
	return b->process->parent || atomic_load(&b->process->passed) ||
	       atomic_load(&b->process->flags) & CW_PROCESS_PEEKED;
}

/* The entry of the socket behind fd under another number, 0: it is new here. */
static uint64_t held_already(struct books *b, int fd)
{
	struct search search = {.left = SEARCHED};

	if (!may_hold(b))
		return 0;
	search.cookie = kernel_cookie(fd);
	if (search.cookie)
		fd_each(b, 0, CW_FD_MAX - 1, compare, &search);
	return search.found;
}

static bool is_socket(int fd)
{
	int domain;
	int type;
	int protocol;

	return kernel_kind(fd, &domain, &type, &protocol);
}

/* What stood under its number was closed out of our sight, whatever came. */
static void take_place(int fd)
{
	struct books *b = books_here();
	uint64_t stale = b ? fd_take(b, fd) : 0;

	if (stale)
		lifecycle_gone(b, stale);
}

void lifecycle_received(int fd)
{
	struct books *b;
	uint64_t held;
	int saved = errno;

	take_place(fd);
	b = is_socket(fd) ? books_for_socket() : NULL;
	if (!b)
		return;
	held = held_already(b, fd);
	if (held)
		lifecycle_duplicated(fd, held);
	else
		lifecycle_take(b, fd, CW_ORIGIN_RECEIVED, CW_SOCKET_TOUCHED);
	errno = saved;
}
