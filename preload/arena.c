/* SPDX-License-Identifier: MIT */
/* A bump allocator over private memory. */
#include <stdint.h>
#include <sys/mman.h>

#include "arena.h"
#include "sys.h"

#define CHUNK (256u << 10)
#define LARGE (32u << 10)

/* The first chunk is the library's own: each mapping more has to be copied at every fork. */
static uint8_t first[CHUNK] __attribute__((aligned(16)));
static uint8_t *at = first;
static uint8_t *end = first + CHUNK;

static void *map(size_t size)
{
	return sys_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void *arena_take(size_t size)
{
	void *taken;

	if (size >= LARGE)
		return map(size);
	size = (size + 15) & ~(size_t)15;
	if ((size_t)(end - at) < size) {
		uint8_t *chunk = map(CHUNK);

		if (!chunk)
			return NULL;
		at = chunk;
		end = chunk + CHUNK;
	}
	taken = at;
	at += size;
	return taken;
}

void arena_give(void *piece, size_t size)
{
	if (size >= LARGE)
		sys_munmap(piece, size);
}
