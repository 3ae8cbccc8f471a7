/* SPDX-License-Identifier: MIT */
/* Allocates and counts references of socket records. */
#include <stddef.h>
#include <string.h>

#include "aside.h"
#include "rare.h"
#include "rmw.h"
#include "sockets.h"

/* The stack of free records is linked through a field that a free record does not need, that is
 * only ever written atomically (a popper may read it in a record that is in use again), and only
 * by who has the record pinned: the unpinned byte counts would tear the stack. */
#define next_free(s) ((s)->moved)

static struct cw_socket *pop(struct books *b)
{
	uint64_t head = atomic_load(&b->free_sockets);

	while ((uint32_t)head) {
		struct cw_socket *s = ref_pointer((uint32_t)head);
		/* The tag makes a head that came back in between a different one. */
		uint64_t next = ((head >> 32) + 1) << 32 |
				atomic_load_explicit(&next_free(s), memory_order_relaxed);

		if (rmw_swap64(&b->free_sockets, &head, next))
			return s;
	}
	return NULL;
}

HOT static void push(struct books *b, struct cw_socket *s)
{
	uint64_t head = atomic_load(&b->free_sockets);
	uint64_t next;

	do {
		atomic_store_explicit(&next_free(s), (uint32_t)head,
				      memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | pointer_ref(s);
	} while (!rmw_swap64(&b->free_sockets, &head, next));
}

/* In line: a few stores, which are no call under -fno-builtin. */
#define clear_between(s, from, to)                                          \
	__builtin_memset((char *)(s) + offsetof(struct cw_socket, from), 0, \
			 offsetof(struct cw_socket, to) -                   \
				 offsetof(struct cw_socket, from))

/* Everything but the word and the look and aside records, which stay with the socket record once
 * they are there: `taken` and `generation` say whether they are this socket's. What a late reader of the record's former
 * life may still load is stored atomically. */
static void clear(struct cw_socket *s)
{
	cw_ref look = s->look;

	s->cookie = 0;
	atomic_store_explicit(&s->bytes_in, 0, memory_order_relaxed);
	atomic_store_explicit(&s->bytes_out, 0, memory_order_relaxed);
	clear_between(s, opened, moved);
	atomic_store_explicit(&s->moved, 0, memory_order_relaxed);
	atomic_store_explicit(&s->flags, 0, memory_order_relaxed);
	atomic_store_explicit(&s->eofs, 0, memory_order_relaxed);
	clear_between(s, fd, last_result);
	atomic_store_explicit(&s->last_result, 0, memory_order_relaxed);
	atomic_store_explicit(&s->last_call, 0, memory_order_relaxed);
	clear_between(s, origin, aside);
	atomic_store_explicit(&s->heirs, 0, memory_order_relaxed);
	s->look = look;
	if (look)
		((struct cw_look *)ref_pointer(look))->taken = 0;
	aside_clear(s);
}

HOT struct cw_socket *socket_new(struct books *b)
{
	struct cw_socket *s = pop(b);

	if (!s)
		s = extent_carve(&b->sockets_extent, b->extent, CW_EXTENT_SOCKETS,
				 sizeof *s);
	if (!s) {
		if (b == books)
			books_lost(CW_LOST_SOCKETS);
		return NULL;
	}
	clear(s);
	return s;
}

uint64_t socket_commit(struct cw_socket *s)
{
	uint32_t generation =
		cw_word_generation(atomic_load_explicit(&s->word, memory_order_relaxed));

	atomic_store_explicit(&s->word, (uint64_t)generation << 32 | 1,
			      memory_order_release);
	return cw_fd_entry(pointer_ref(s), generation);
}

void socket_discard(struct books *b, struct cw_socket *s)
{
	push(b, s);
}

HOT struct cw_socket *socket_pin(uint64_t entry)
{
	struct cw_socket *s = entry_socket(entry);
	uint64_t word;

	if (!entry)
		return NULL;
	word = atomic_load_explicit(&s->word, memory_order_acquire);
	do {
		if (cw_word_generation(word) != (uint32_t)entry || !cw_word_refs(word) ||
		    cw_word_pins(word) == CW_WORD_PINS_MAX)
			return NULL;
	} while (!rmw_swap64(&s->word, &word, word + CW_WORD_PIN));
	return s;
}

HOT void socket_unpin(struct books *b, struct cw_socket *s)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);
	uint64_t next;

	do {
		next = word - CW_WORD_PIN;
		if (!cw_word_refs(next) && !cw_word_pins(next))
			next = (uint64_t)(cw_word_generation(word) + 1) << 32;
	} while (!rmw_swap64(&s->word, &word, next));
	if (!cw_word_refs(next) && !cw_word_pins(next))
		push(b, s);
}

bool socket_ref(uint64_t entry)
{
	struct cw_socket *s = entry_socket(entry);
	uint64_t word;

	if (!entry)
		return false;
	word = atomic_load(&s->word);
	do {
		if (cw_word_generation(word) != (uint32_t)entry || !cw_word_refs(word) ||
		    cw_word_refs(word) == CW_WORD_REFS_MAX)
			return false;
	} while (!rmw_swap64(&s->word, &word, word + 1));
	return true;
}

struct cw_socket *socket_owned(uint64_t entry)
{
	struct cw_socket *s = entry_socket(entry);
	uint64_t word;

	if (!entry)
		return NULL;
	word = atomic_load_explicit(&s->word, memory_order_acquire);
	return cw_word_generation(word) == (uint32_t)entry && cw_word_refs(word) ? s
										 : NULL;
}

HOT struct cw_socket *socket_trade(uint64_t entry, bool *last)
{
	struct cw_socket *s = entry_socket(entry);
	uint64_t word;

	if (!entry)
		return NULL;
	word = atomic_load_explicit(&s->word, memory_order_acquire);
	do {
		if (cw_word_generation(word) != (uint32_t)entry || !cw_word_refs(word) ||
		    cw_word_pins(word) == CW_WORD_PINS_MAX)
			return NULL;
	} while (!rmw_swap64(&s->word, &word, word - 1 + CW_WORD_PIN));
	*last = cw_word_refs(word) == 1;
	return s;
}

bool socket_unref(struct cw_socket *s)
{
	return cw_word_refs(atomic_fetch_sub(&s->word, 1)) == 1;
}
