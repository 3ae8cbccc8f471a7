/* SPDX-License-Identifier: MIT */
/* Copies what a fork child inherits. */
#include <string.h>

#include "extents.h"
#include "fd_table.h"
#include "heirs.h"
#include "inherit.h"
#include "sockets.h"

struct copying {
	struct books *b;
	/* Entries of one socket follow each other often (dup): the last copy answers for
	 * them. */
	uint64_t last_entry;
	uint64_t last_copy;
	bool no_room;
};

/* The copy of a parent's record, found again for its further descriptors by the cookie. */
static uint64_t copied_before(struct copying *c, const struct cw_socket *parent,
			      uint64_t entry)
{
	if (c->last_entry == entry)
		return c->last_copy;
	if (cw_word_refs(atomic_load(&parent->word)) < 2 || !parent->cookie)
		return 0;
	for (unsigned fd = 0; fd < CW_FD_MAX; fd++) {
		uint64_t mine;

		if (!c->b->fds[fd / CW_FDS_PER_EXTENT]) {
			fd |= CW_FDS_PER_EXTENT - 1;
			continue;
		}
		mine = fd_entry(c->b, (int)fd);
		if (mine && entry_socket(mine)->cookie == parent->cookie)
			return mine;
	}
	return 0;
}

static uint64_t copy(struct copying *c, struct cw_socket *parent)
{
	struct cw_socket *s = socket_new(c->b);
	cw_ref look;

	if (!s)
		return 0;
	look = s->look;
	memcpy((char *)s + sizeof s->word, (const char *)parent + sizeof parent->word,
	       sizeof *s - sizeof s->word);
	s->look = look;
	s->stats = 0;
	s->origin = CW_ORIGIN_INHERITED;
	heirs_share(parent, s);
	/* Its own first read and write are looked for anew; until then the parent's are shown. */
	atomic_fetch_and(&s->flags, ~(uint32_t)(CW_SOCKET_TOUCHED | CW_SOCKET_FIRST_READ |
						CW_SOCKET_FIRST_WRITE));
	return socket_commit(s);
}

static void inherit(struct copying *c, int fd, uint64_t entry)
{
	struct cw_socket *parent = entry_socket(entry);
	uint64_t mine;
	uint64_t old;

	if (cw_word_generation(atomic_load(&parent->word)) != (uint32_t)entry)
		return;
	mine = copied_before(c, parent, entry);
	if (mine)
		socket_ref(mine);
	else
		mine = copy(c, parent);
	if (!mine || !fd_enter(c->b, fd, mine, &old))
		c->no_room = true;
	c->last_entry = entry;
	c->last_copy = mine;
}

bool inherit_sockets(struct books *b, uint32_t parent)
{
	const struct cw_process *p = extent_bytes(parent);
	struct copying c = {.b = b};

	for (unsigned i = 0; i < CW_FD_EXTENTS && !c.no_room; i++) {
		uint32_t extent = atomic_load_explicit(&p->fds[i], memory_order_acquire);
		_Atomic uint64_t *entries;

		if (!extent)
			continue;
		entries = extent_bytes(extent);
		for (unsigned k = 0; k < CW_FDS_PER_EXTENT && !c.no_room; k++) {
			uint64_t entry =
				atomic_load_explicit(&entries[k], memory_order_acquire);

			if (entry)
				inherit(&c, (int)(i * CW_FDS_PER_EXTENT + k), entry);
		}
	}
	return !c.no_room;
}
