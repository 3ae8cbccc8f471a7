/* SPDX-License-Identifier: MIT */
/* The table's rare paths: a new page of it, and walking it. */
#include "fd_table.h"
#include "rare.h"

static void raise_end(struct books *b, unsigned end)
{
	uint32_t seen = atomic_load_explicit(&b->fds_end, memory_order_relaxed);

	while (seen < end &&
	       !atomic_compare_exchange_weak(&b->fds_end, &seen, (uint32_t)end))
		;
}

/* Before the entry is there: who walks the page sees as far as that. */
static void raise_used(_Atomic uint64_t *slot)
{
	size_t at = (size_t)((uint8_t *)slot - trace_map.bytes);
	_Atomic uint32_t *used = &trace_map.extents[at / CW_EXTENT_SIZE].used;
	uint32_t end = (uint32_t)(at % CW_EXTENT_SIZE + sizeof *slot);
	uint32_t seen = atomic_load_explicit(used, memory_order_relaxed);

	while (seen < end && !atomic_compare_exchange_weak(used, &seen, end))
		;
}

RARE static bool add_page(struct books *b, unsigned page)
{
	uint32_t extent = extent_claim(b->extent);
	_Atomic uint64_t *none = NULL;

	if (!extent)
		return false;
	extent_publish(extent, CW_EXTENT_FDS);
	raise_end(b, page + 1);
	if (atomic_compare_exchange_strong(&b->fds[page], &none, extent_bytes(extent)))
		atomic_store_explicit(&b->process->fds[page], extent,
				      memory_order_release);
	else
		extent_release(extent);
	return true;
}

/* NULL: no room (counted). */
HOT static _Atomic uint64_t *make_slot(struct books *b, int fd)
{
	_Atomic uint64_t *slot;

	if ((unsigned)fd >= CW_FD_MAX) {
		books_lost(CW_LOST_FDS);
		return NULL;
	}
	slot = fd_slot(b, fd);
	if (!slot && add_page(b, (unsigned)fd / CW_FDS_PER_EXTENT))
		slot = fd_slot(b, fd);
	if (slot)
		raise_used(slot);
	else if (b == books)
		books_lost(CW_LOST_SOCKETS);
	return slot;
}

bool fd_enter(struct books *b, int fd, uint64_t entry, uint64_t *old)
{
	_Atomic uint64_t *slot = make_slot(b, fd);

	*old = slot ? rmw_exchange64(slot, entry) : 0;
	return slot;
}

bool fd_enter_free(struct books *b, int fd, uint64_t entry)
{
	return make_slot(b, fd) && fd_put_back(b, fd, entry);
}

bool fd_put_back(struct books *b, int fd, uint64_t entry)
{
	_Atomic uint64_t *slot = fd_slot(b, fd);
	uint64_t none = 0;

	return slot && atomic_compare_exchange_strong(slot, &none, entry);
}

HOT void fd_each(struct books *b, unsigned first, unsigned last,
		 void (*each)(void *context, struct books *b, int fd, uint64_t entry),
		 void *context)
{
	unsigned made = atomic_load(&b->fds_end) * (unsigned)CW_FDS_PER_EXTENT;
	unsigned end = last < made ? last + 1 : made;

	for (unsigned fd = first; fd < end;) {
		unsigned base = fd & ~(unsigned)(CW_FDS_PER_EXTENT - 1);
		const _Atomic uint64_t *page = atomic_load_explicit(
			&b->fds[fd / CW_FDS_PER_EXTENT], memory_order_acquire);
		unsigned stop = page ? fd_used(page) : 0;

		stop = end - base < stop ? end - base : stop;
		for (unsigned i = fd - base; i < stop; i++) {
			uint64_t entry;

			i = fd_next(page, i, stop);
			if (i == stop)
				break;
			entry = atomic_load_explicit(&page[i], memory_order_acquire);
			if (entry)
				each(context, b, (int)(base + i), entry);
		}
		fd = base + CW_FDS_PER_EXTENT;
	}
}
