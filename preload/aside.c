/* SPDX-License-Identifier: MIT */
/* Makes, clears and copies what few sockets have. */
#include "aside.h"
#include "extents.h"
#include "rare.h"

static uint32_t generation_of(const struct cw_socket *s)
{
	return cw_word_generation(atomic_load_explicit(&s->word, memory_order_relaxed));
}

struct cw_aside *aside_there(const struct cw_socket *s)
{
	cw_ref ref = atomic_load_explicit(&s->aside, memory_order_acquire);

	return ref ? ref_pointer(ref) : NULL;
}

/* Of two threads that make it at once one's is lost to the extent: once in a record's time. */
HOT struct cw_aside *aside_of(struct books *b, struct cw_socket *s)
{
	struct cw_aside *a = aside_there(s);
	cw_ref none = 0;

	if (a)
		return a;
	a = extent_carve(&b->asides_extent, b->extent, CW_EXTENT_ASIDES, sizeof *a);
	if (!a) {
		if (b == books)
			books_lost(CW_LOST_SITES);
		return NULL;
	}
	atomic_store_explicit(&a->generation, generation_of(s), memory_order_relaxed);
	if (!atomic_compare_exchange_strong(&s->aside, &none, pointer_ref(a)))
		a = ref_pointer(none);
	return a;
}

static void clear_sites(struct cw_aside *a)
{
	a->told_site = 0;
	a->shutdown_site = 0;
	a->reset_site = 0;
	a->close_site = 0;
	a->sent_site = 0;
	a->heir_of = 0;
	a->heir_generation = 0;
	a->peer_scope = 0;
}

void aside_clear(struct cw_socket *s)
{
	struct cw_aside *a = aside_there(s);

	if (!a)
		return;
	/* A reader of the former life must find that it is over before it finds what follows. */
	atomic_store_explicit(&a->generation, generation_of(s), memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	clear_sites(a);
}

/* Where its record lay something else may lie by now. */
static bool is_aside(cw_ref ref)
{
	size_t offset = (size_t)ref * 8;
	size_t within = offset % CW_EXTENT_SIZE;

	return offset / CW_EXTENT_SIZE < trace_map.header->extent_count &&
	       within + sizeof(struct cw_aside) <= CW_EXTENT_SIZE &&
	       cw_extent_kind(
		       atomic_load(&trace_map.extents[offset / CW_EXTENT_SIZE].tag)) ==
		       CW_EXTENT_ASIDES;
}

__attribute__((no_sanitize("thread"))) void aside_copy(struct cw_aside *to, cw_ref from)
{
	const volatile struct cw_aside *source;

	if (!from || !is_aside(from))
		return;
	source = ref_pointer(from);
	to->told_site = source->told_site;
	to->shutdown_site = source->shutdown_site;
	to->reset_site = source->reset_site;
	to->sent_site = source->sent_site;
	to->heir_of = source->heir_of;
	to->heir_generation = source->heir_generation;
	to->peer_scope = source->peer_scope;
}
