/* SPDX-License-Identifier: MIT */
/* Tells the opener of a socket that a fork child has closed its copy. */
#include "heirs.h"
#include "aside.h"
#include "extents.h"
#include "fd_table.h"
#include "rare.h"
#include "sockets.h"

void heirs_share(struct cw_socket *parent, uint32_t generation, struct cw_socket *copy,
		 struct cw_aside *aside)
{
	uint32_t none = 0;

	atomic_store_explicit(&copy->heirs, 0, memory_order_relaxed);
	if (aside->heir_of)
		return; /* both are copies of the same one, by now */
	aside->heir_of = pointer_ref(parent);
	aside->heir_generation = generation;
	/* If the record has become another's by now, that one has a word of no generation it knows. */
	if (!atomic_load_explicit(&parent->heirs, memory_order_relaxed))
		atomic_compare_exchange_strong(&parent->heirs, &none,
					       cw_heirs_word(generation, CW_NO_HEIR));
}

/* Does a socket record lie there still? Its extent may have been given back. */
static bool is_socket(cw_ref ref)
{
	uint32_t tag =
		atomic_load(&trace_map.extents[(size_t)ref * 8 / CW_EXTENT_SIZE].tag);

	return cw_extent_kind(tag) == CW_EXTENT_SOCKETS;
}

/* Has the record that generation, and was it so when `seen` was read from it? Then the swap of that
 * word is of the same life, unless the record has had five hundred others in between; and what
 * another child wrote is overwritten. */
static bool is_still(const struct cw_socket *opener, uint32_t generation)
{
	return cw_word_generation(atomic_load(&opener->word)) == generation;
}

HOT void heirs_closed(const struct cw_socket *s)
{
	const struct cw_aside *a;
	struct cw_socket *opener;
	uint32_t seen;

	if (s->origin != CW_ORIGIN_INHERITED ||
	    !(atomic_load(&s->flags) & CW_SOCKET_TOUCHED))
		return;
	a = aside_there(s);
	if (!a || !a->heir_of || !is_socket(a->heir_of))
		return;
	opener = ref_pointer(a->heir_of);
	seen = atomic_load(&opener->heirs);
	while (seen && cw_heirs_are_of(seen, a->heir_generation) &&
	       is_still(opener, a->heir_generation) &&
	       !atomic_compare_exchange_weak(
		       &opener->heirs, &seen,
		       cw_heirs_word(a->heir_generation, books->process->pid)))
		;
}

static void end_one(void *context, struct books *b, int fd, uint64_t entry)
{
	struct cw_socket *s = socket_pin(entry);

	(void)context;
	(void)fd;
	if (!s)
		return;
	heirs_closed(s);
	socket_unpin(b, s);
}

void heirs_end(struct books *b)
{
	if (b->process->parent)
		fd_each(b, 0, CW_FD_MAX - 1, end_one, NULL);
}
