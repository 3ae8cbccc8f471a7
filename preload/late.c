/* SPDX-License-Identifier: MIT */
/* The ring of late closes. */
#include "late.h"
#include "sockets.h"

#define NS_PER_S 1000000000ull

/* The ring's reference keeps the record, so it can be pinned without an entry. */
static void let_go(struct books *b, struct cw_socket *s)
{
	atomic_fetch_add(&s->word, CW_WORD_PIN);
	socket_unref(s);
	socket_unpin(b, s);
}

static uint64_t closed_at(const struct cw_socket *s)
{
	return cw_after_ns(s->opened, s->closed);
}

void late_keep(struct books *b, struct cw_socket *s)
{
	struct cw_process *p = b->process;
	uint32_t n;
	cw_ref old;

	atomic_fetch_add(&s->word, 1);
	n = atomic_fetch_add_explicit(&p->late_next, 1, memory_order_relaxed);
	old = atomic_exchange(&p->late[n % CW_LATE_RING], pointer_ref(s));
	if (!old)
		return;
	if (closed_at(ref_pointer(old)) + NS_PER_S > closed_at(s))
		books_lost(CW_LOST_LATE_CLOSES);
	let_go(b, ref_pointer(old));
}
