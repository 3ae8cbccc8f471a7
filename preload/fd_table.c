/* SPDX-License-Identifier: MIT */
/* The table's rare paths: a new page of it, and walking it. */
#include "fd_table.h"
#include "extents.h"

RARE static bool add_page(struct books *b, unsigned page)
{
	uint32_t extent = extent_claim(b->extent);
	_Atomic uint64_t *none = NULL;

	if (!extent)
		return false;
	extent_publish(extent, CW_EXTENT_FDS);
	if (atomic_compare_exchange_strong(&b->fds[page], &none, extent_bytes(extent)))
		atomic_store_explicit(&b->process->fds[page], extent,
				      memory_order_release);
	else
		extent_release(extent);
	return true;
}

/* NULL: no room (counted). */
static _Atomic uint64_t *make_slot(struct books *b, int fd)
{
	_Atomic uint64_t *slot;

	if ((unsigned)fd >= CW_FD_MAX) {
		books_lost(CW_LOST_FDS);
		return NULL;
	}
	slot = fd_slot(b, fd);
	if (slot)
		return slot;
	if (add_page(b, (unsigned)fd / CW_FDS_PER_EXTENT))
		return fd_slot(b, fd);
	if (b == books)
		books_lost(CW_LOST_SOCKETS);
	return NULL;
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

void fd_each(struct books *b, unsigned first, unsigned last,
	     void (*each)(void *context, struct books *b, int fd, uint64_t entry),
	     void *context)
{
	if (last >= CW_FD_MAX)
		last = CW_FD_MAX - 1;
	for (unsigned fd = first; fd <= last; fd++) {
		uint64_t entry;

		if (!atomic_load_explicit(&b->fds[fd / CW_FDS_PER_EXTENT],
					  memory_order_acquire)) {
			fd |= CW_FDS_PER_EXTENT - 1;
			continue;
		}
		entry = fd_entry(b, (int)fd);
		if (entry)
			each(context, b, (int)fd, entry);
	}
}
