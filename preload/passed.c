/* SPDX-License-Identifier: MIT */
/* The ring of sockets that were passed on. */
#include "passed.h"
#include "extents.h"

#define set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* Most processes pass nothing on: room is claimed with the first. */
static struct cw_passed *ring_of(struct books *b)
{
	uint32_t extent = atomic_load(&b->process->passed);
	uint32_t fresh;

	if (extent)
		return extent_bytes(extent);
	fresh = extent_claim(b->extent);
	if (!fresh)
		return NULL;
	extent_publish(fresh, CW_EXTENT_PASSED);
	if (atomic_compare_exchange_strong(&b->process->passed, &extent, fresh))
		return extent_bytes(fresh);
	extent_release(fresh);
	return extent_bytes(extent);
}

void passed_add(struct books *b, const struct cw_socket *s, cw_ref site, uint64_t now)
{
	struct cw_passed *ring = s->cookie ? ring_of(b) : NULL;
	struct cw_passed *p;

	if (!ring)
		return;
	p = &ring[atomic_fetch_add(&b->process->passed_next, 1) % CW_PASSED_PER_EXTENT];
	set(p->cookie, 0);
	set(p->ns, now);
	set(p->open_site, s->open_site);
	set(p->sent_site, site);
	set(p->origin, s->origin);
	atomic_store_explicit(&p->cookie, s->cookie, memory_order_release);
}
