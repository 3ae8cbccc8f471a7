/* SPDX-License-Identifier: MIT */
/* The ring of lifecycle events. */
#include "events.h"
#include "rare.h"
#include "rmw.h"
#include "thread.h"

#define set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

HOT void event_add(struct books *b, enum cw_event_kind kind, uint64_t ns, int fd,
		   uint64_t entry, cw_ref site)
{
	struct cw_process *p = b->process;
	uint32_t n = rmw_fetch_add32(&p->event_next, 1);
	struct cw_event *e = &p->events[n % CW_EVENT_RING];

	set(e->kind, CW_EVENT_NONE);
	set(e->ns, ns);
	set(e->fd, fd);
	set(e->socket, (cw_ref)(entry >> 32));
	set(e->generation, (uint32_t)entry);
	set(e->site, site);
	set(e->tid, thread_id());
	atomic_store_explicit(&e->kind, kind, memory_order_release);
	atomic_store_explicit(&p->last_event, ns, memory_order_relaxed);
}

bool event_last_was_close(struct books *b, int fd, cw_ref *site)
{
	struct cw_process *p = b->process;
	uint32_t next = atomic_load_explicit(&p->event_next, memory_order_relaxed);

	for (uint32_t i = 1; i <= CW_EVENT_RING && i <= next; i++) {
		struct cw_event *e = &p->events[(next - i) % CW_EVENT_RING];
		uint32_t kind = atomic_load_explicit(&e->kind, memory_order_acquire);

		if (atomic_load_explicit(&e->fd, memory_order_relaxed) != fd ||
		    (kind != CW_EVENT_CLOSE && kind != CW_EVENT_OPEN &&
		     kind != CW_EVENT_DUP))
			continue;
		*site = atomic_load_explicit(&e->site, memory_order_relaxed);
		return kind == CW_EVENT_CLOSE;
	}
	return false;
}
