/* SPDX-License-Identifier: MIT */
/* Tells the opener of a socket that a fork child has closed its copy. */
#include "heirs.h"
#include "extents.h"
#include "fd_table.h"
#include "sockets.h"

static uint64_t heirs_word(uint32_t generation, uint32_t pid)
{
	return (uint64_t)generation << 32 | pid;
}

void heirs_share(struct cw_socket *parent, uint32_t generation, struct cw_socket *copy)
{
	uint64_t none = 0;

	atomic_store_explicit(&copy->heirs, 0, memory_order_relaxed);
	if (copy->heir_of)
		return; /* both are copies of the same one, by now */
	copy->heir_of = pointer_ref(parent);
	copy->heir_generation = generation;
	/* If the record has become another's by now, that one has a word of no generation it knows. */
	if (!atomic_load_explicit(&parent->heirs, memory_order_relaxed))
		atomic_compare_exchange_strong(&parent->heirs, &none,
					       heirs_word(generation, CW_NO_HEIR));
}

/* Does a socket record lie there still? Its extent may have been given back. */
static bool is_socket(cw_ref ref)
{
	uint32_t tag =
		atomic_load(&trace_map.extents[(size_t)ref * 8 / CW_EXTENT_SIZE].tag);

	return cw_extent_kind(tag) == CW_EXTENT_SOCKETS;
}

/* What stands there now can only be of that record, since a generation and the word for "none" are
 * not found in another by chance; and what another child wrote is overwritten. */
void heirs_closed(const struct cw_socket *s)
{
	struct cw_socket *opener;
	uint64_t seen;

	if (s->origin != CW_ORIGIN_INHERITED || !s->heir_of ||
	    !(atomic_load(&s->flags) & CW_SOCKET_TOUCHED) || !is_socket(s->heir_of))
		return;
	opener = ref_pointer(s->heir_of);
	seen = atomic_load(&opener->heirs);
	while (seen && cw_word_generation(seen) == s->heir_generation &&
	       !atomic_compare_exchange_weak(
		       &opener->heirs, &seen,
		       heirs_word(s->heir_generation, books->process->pid)))
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
