/* SPDX-License-Identifier: MIT */
/* Tells a double close from a sweep over all numbers. */
#include "double_close.h"
#include "events.h"
#include "sites.h"

/* The number this thread closed last, and whether that was counted as a double close; plus one,
 * so that 0 is none. */
static __thread int last __attribute__((tls_model("initial-exec")));
static __thread bool counted __attribute__((tls_model("initial-exec")));
static __thread bool sweeping __attribute__((tls_model("initial-exec")));

void double_close_swept(struct books *b, int fd)
{
	sweeping = last && fd == last;
	last = fd + 1;
	if (sweeping && counted)
		atomic_fetch_sub_explicit(&b->process->double_closes, 1,
					  memory_order_relaxed);
	counted = false;
}

void double_close_note(struct books *b, int fd)
{
	cw_ref earlier;
	cw_ref none = 0;

	if (sweeping || !event_last_was_close(b, fd, &earlier))
		return;
	if (atomic_compare_exchange_strong(&b->process->double_close_site, &none,
					   site_here(b)))
		atomic_store(&b->process->double_close_earlier, earlier);
	atomic_fetch_add_explicit(&b->process->double_closes, 1, memory_order_relaxed);
	counted = true;
}
