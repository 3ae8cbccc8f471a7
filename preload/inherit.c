/* SPDX-License-Identifier: MIT */
/* Copies what a fork child inherits. */
#include "inherit.h"
#include "aside.h"
#include "extents.h"
#include "fd_table.h"
#include "heirs.h"
#include "rare.h"
#include "sockets.h"

struct copying {
	struct books *b;
	/* Entries of one socket follow each other often (dup): the last copy answers for
	 * them. */
	uint64_t last_entry;
	uint64_t last_copy;
	bool no_room;
};

static bool is_still(const struct cw_socket *parent, uint64_t entry)
{
	return cw_word_generation(atomic_load(&parent->word)) == (uint32_t)entry;
}

/* The same for what was read before: a store that changes nothing keeps those loads from being
 * done after it. */
static bool was_still(const struct cw_socket *parent, uint64_t entry)
{
	_Atomic uint64_t *word = (_Atomic uint64_t *)&parent->word;

	return cw_word_generation(atomic_fetch_or(word, 0)) == (uint32_t)entry;
}

/* 0: not known, or not its own any more. */
__attribute__((no_sanitize("thread"))) static uint64_t cookie_of(
	const struct cw_socket *parent, uint64_t entry)
{
	uint64_t cookie = *(const volatile uint64_t *)&parent->cookie;

	return was_still(parent, entry) ? cookie : 0;
}

/* The copy of a parent's record, found again for its further descriptors by the cookie. */
static uint64_t copied_before(struct copying *c, const struct cw_socket *parent,
			      uint64_t entry)
{
	uint64_t cookie;

	if (c->last_entry == entry)
		return c->last_copy;
	if (cw_word_refs(atomic_load(&parent->word)) < 2)
		return 0;
	cookie = cookie_of(parent, entry);
	if (!cookie)
		return 0;
	for (unsigned fd = 0; fd < CW_FD_MAX; fd++) {
		uint64_t mine;

		if (!c->b->fds[fd / CW_FDS_PER_EXTENT]) {
			fd |= CW_FDS_PER_EXTENT - 1;
			continue;
		}
		mine = fd_entry(c->b, (int)fd);
		if (mine && entry_socket(mine)->cookie == cookie)
			return mine;
	}
	return 0;
}

typedef uint64_t __attribute__((may_alias)) raw_word;

/* All but the first word. The parent's other threads may be writing there: of what they write
 * only that counts which the flags vouch for, and nothing if the record has become another's.
 * Both are looked at by the caller. */
__attribute__((no_sanitize("thread"))) static void copy_words(
	struct cw_socket *to, const struct cw_socket *from)
{
	const volatile raw_word *source = (const volatile raw_word *)from;
	raw_word *target = (raw_word *)to;

	for (size_t i = 1; i < sizeof *from / sizeof *source; i++)
		target[i] = source[i];
}

/* What a thread has claimed to record and not recorded yet is nobody's in the child. */
static uint32_t without_claims(uint32_t flags)
{
	if (!(flags & CW_SOCKET_EOF))
		flags &= ~(uint32_t)CW_SOCKET_EOF_CLAIMED;
	if (!(flags & CW_SOCKET_RESET))
		flags &= ~(uint32_t)CW_SOCKET_RESET_CLAIMED;
	if (!(flags & (CW_SOCKET_SHUT_RD | CW_SOCKET_SHUT_WR)))
		flags &= ~(uint32_t)CW_SOCKET_SHUT_CLAIMED;
	if (!(flags & CW_SOCKET_TOLD))
		flags &= ~(uint32_t)CW_SOCKET_TOLD_CLAIMED;
	/* Its own first read and write are looked for anew; until then the parent's are shown. */
	return flags & ~(uint32_t)(CW_SOCKET_TOUCHED | CW_SOCKET_FIRST_READ |
				   CW_SOCKET_FIRST_WRITE);
}

static uint64_t copy(struct copying *c, struct cw_socket *parent, uint64_t entry)
{
	struct cw_socket *s = socket_new(c->b);
	struct cw_aside *aside = s ? aside_of(c->b, s) : NULL;
	uint32_t flags;
	cw_ref look;

	if (s && !aside)
		socket_discard(c->b, s);
	c->no_room |= !aside;
	if (!aside)
		return 0;
	look = s->look;
	flags = atomic_load_explicit(&parent->flags, memory_order_acquire);
	copy_words(s, parent);
	s->look = look;
	aside_copy(aside, atomic_load_explicit(&s->aside, memory_order_relaxed));
	atomic_store(&s->aside, pointer_ref(aside));
	s->stats = 0;
	s->origin = CW_ORIGIN_INHERITED;
	atomic_store(&s->flags, without_claims(flags));
	if (was_still(parent, entry)) {
		heirs_share(parent, (uint32_t)entry, s, aside);
		return socket_commit(s);
	}
	socket_discard(c->b, s);
	return 0;
}

static void inherit(struct copying *c, int fd, uint64_t entry)
{
	struct cw_socket *parent = entry_socket(entry);
	uint64_t mine;
	uint64_t old;

	if (!is_still(parent, entry))
		return;
	mine = copied_before(c, parent, entry);
	if (mine)
		socket_ref(mine);
	else
		mine = copy(c, parent, entry);
	if (!mine)
		return;
	c->no_room |= !fd_enter(c->b, fd, mine, &old);
	c->last_entry = entry;
	c->last_copy = mine;
}

HOT bool inherit_sockets(struct books *b, uint32_t parent)
{
	const struct cw_process *p = extent_bytes(parent);
	struct copying c = {.b = b};

	for (unsigned i = 0; i < CW_FD_EXTENTS && !c.no_room; i++) {
		uint32_t extent = atomic_load_explicit(&p->fds[i], memory_order_acquire);
		_Atomic uint64_t *entries;
		unsigned end;

		if (!extent)
			continue;
		entries = extent_bytes(extent);
		end = fd_used(entries);
		for (unsigned k = 0; k < end && !c.no_room; k++) {
			uint64_t entry;

			k = fd_next(entries, k, end);
			if (k == end)
				break;
			entry = atomic_load_explicit(&entries[k], memory_order_acquire);
			if (entry)
				inherit(&c, (int)(i * CW_FDS_PER_EXTENT + k), entry);
		}
	}
	return !c.no_room;
}
