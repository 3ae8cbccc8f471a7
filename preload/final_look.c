/* SPDX-License-Identifier: MIT */
/* Looks at every open socket once. */
#include "final_look.h"
#include "clock.h"
#include "extents.h"
#include "fd_table.h"
#include "kernel.h"
#include "sockets.h"

/* NULL: no room. */
static struct cw_look *look_of(struct books *b, struct cw_socket *s)
{
	struct cw_look *look;

	if (s->look)
		return ref_pointer(s->look);
	look = extent_carve(&b->looks_extent, b->extent, CW_EXTENT_LOOKS, sizeof *look);
	if (look)
		s->look = pointer_ref(look);
	return look;
}

static void look_at(void *context, struct books *b, int fd, uint64_t entry)
{
	uint64_t begun = *(uint64_t *)context;
	struct cw_socket *s = socket_pin(entry);
	struct cw_look *look = s ? look_of(b, s) : NULL;

	/* A socket with several descriptors is asked once, unless one of them is stale. */
	if (look && (look->taken < begun || look->flags & CW_LOOK_GONE))
		kernel_look(b, fd, s, look);
	if (s)
		socket_unpin(b, s);
}

/* Records that no descriptor leads to: a close that never came back. A thread that was cancelled on
 * its way into the kernel has closed nothing. */
static void orphans(struct books *b, uint32_t extent, uint64_t begun)
{
	struct cw_socket *s = extent_bytes(extent);
	struct cw_socket *end = s + extent_carved(extent, sizeof *s);

	for (; s < end; s++) {
		uint32_t flags = atomic_load(&s->flags);
		struct cw_look *look;

		if (!cw_word_refs(atomic_load(&s->word)) || flags & CW_SOCKET_LATE)
			continue;
		look = look_of(b, s);
		if (!look)
			books_lost(
				CW_LOST_LOOKS); /* once, for those with a descriptor, too */
		if (!look || look->taken >= begun)
			continue;
		/* Only the cookie tells it from another that got the number. */
		kernel_look(b, s->fd, s, look);
		if (!s->cookie)
			look->flags = CW_LOOK_GONE;
	}
}

void final_look(struct books *b)
{
	uint64_t begun = clock_ns();
	uint32_t count = extents_end();

	fd_each(b, 0, CW_FD_MAX - 1, look_at, &begun);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = atomic_load(&trace_map.extents[i].tag);

		if (cw_extent_kind(tag) == CW_EXTENT_SOCKETS &&
		    cw_extent_owner(tag) == b->extent)
			orphans(b, i, begun);
	}
}
