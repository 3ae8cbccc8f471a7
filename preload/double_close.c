/* SPDX-License-Identifier: MIT */
/* Tells a double close from a sweep over all numbers. */
#include "double_close.h"
#include "events.h"
#include "sites.h"

/* So many closes of neighbouring numbers in a row are a sweep; a pair that is closed twice is
 * not. */
#define SWEEP 4u

/* This thread's row of closes: the number it closed last plus one, so that 0 is none; up or down;
 * how many; how many of them were counted as double closes, and whether the last was. */
static __thread struct {
	int last;
	int direction;
	unsigned steps;
	unsigned counted;
	bool last_counted;
} row __attribute__((tls_model("initial-exec")));

/* The second of two gives the row its direction: the first of them belongs to it. */
static void begin_row(int towards)
{
	row.direction = towards;
	row.steps = towards ? 2 : 1;
	row.counted = towards && row.last_counted ? 1 : 0;
}

static void uncount(struct books *b)
{
	uint64_t before = atomic_fetch_sub_explicit(&b->process->double_closes,
						    row.counted, memory_order_relaxed);

	/* The next one is the first. */
	if (before == row.counted)
		atomic_store(&b->process->double_close_site, 0);
	row.counted = 0;
}

void double_close_step(struct books *b, int fd)
{
	int towards = row.last ? fd - (row.last - 1) : 0;

	if (towards != 1 && towards != -1)
		begin_row(0);
	else if (towards != row.direction)
		begin_row(towards);
	else
		row.steps++;
	row.last = fd + 1;
	row.last_counted = false;
	if (row.steps >= SWEEP && row.counted)
		uncount(b);
}

static _Atomic uint64_t *word_of(struct books *b, unsigned fd)
{
	return &b->closed_sockets[BOOKS_CLOSED_WORDS - 1 - fd / 64 % BOOKS_CLOSED_WORDS];
}

static bool was_socket(struct books *b, int fd)
{
	return atomic_load_explicit(word_of(b, (unsigned)fd), memory_order_relaxed) >>
		       (fd & 63) &
	       1;
}

void double_close_socket(struct books *b, int fd)
{
	if (!was_socket(b, fd))
		atomic_fetch_or_explicit(word_of(b, (unsigned)fd), 1ull << (fd & 63),
					 memory_order_relaxed);
}

void double_close_other(struct books *b, int fd)
{
	if (fd >= 0 && was_socket(b, fd))
		atomic_fetch_and_explicit(word_of(b, (unsigned)fd), ~(1ull << (fd & 63)),
					  memory_order_relaxed);
}

void double_close_others(struct books *b, unsigned first, unsigned last_one)
{
	for (uint64_t fd = first;
	     fd <= last_one && fd < first + 64ull * BOOKS_CLOSED_WORDS; fd++) {
		if (fd % 64 == 0 && fd + 63 <= last_one) {
			atomic_store_explicit(word_of(b, (unsigned)fd), 0,
					      memory_order_relaxed);
			fd += 63;
		} else {
			double_close_other(b, (int)fd);
		}
	}
}

void double_close_note(struct books *b, int fd)
{
	cw_ref earlier;
	cw_ref none = 0;

	if (row.steps >= SWEEP || fd < 0 || !was_socket(b, fd) ||
	    !event_last_was_close(b, fd, &earlier))
		return;
	if (atomic_compare_exchange_strong(&b->process->double_close_site, &none,
					   site_here(b)))
		atomic_store(&b->process->double_close_earlier, earlier);
	atomic_fetch_add_explicit(&b->process->double_closes, 1, memory_order_relaxed);
	row.counted++;
	row.last_counted = true;
}
