/* SPDX-License-Identifier: MIT */
/*
 * Writes a trace such as a big server might leave: COUNT leaked sockets, each of one of
 * PLACES groups. The stacks are of this program's own code, so that there are names to look
 * up.
 *
 * Usage: big_trace FILE COUNT PLACES
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/build_trace.h"

#define FRAMES  12
#define SPREAD  5u /* bytes of code from one frame to the next */
#define EXTENTS (CW_TRACE_SIZE_DEFAULT / CW_EXTENT_SIZE)

extern char __executable_start[], etext[];

struct place {
	cw_ref open_site;
	cw_ref eof_site;
};

/* Frames all over the program's text, no two stacks alike. */
static cw_ref stack(struct built_trace *trace, cw_ref module, unsigned number)
{
	uint64_t start =
		(uint64_t)((char *)(void *)(uintptr_t)stack - __executable_start);
	uint64_t size = (uint64_t)(etext - __executable_start) - start;
	uint64_t offsets[FRAMES];

	for (unsigned i = 0; i < FRAMES; i++)
		offsets[i] = start + (number * FRAMES + i) * SPREAD % size;
	offsets[0] = start + number % size;
	return build_site(trace, module, offsets, FRAMES);
}

static cw_ref own_module(struct built_trace *trace)
{
	char path[4096];
	ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

	if (size < 0)
		exit(99);
	path[size] = '\0';
	return build_module(trace, path);
}

static struct place make_place(struct built_trace *trace, cw_ref module, unsigned number,
			       unsigned leaked)
{
	struct place place = {
		.open_site = stack(trace, module, 3 * number),
		.eof_site = stack(trace, module, 3 * number + 1),
	};
	struct cw_stats *stats = build_stats(trace, place.open_site);

	stats->origin = CW_ORIGIN_ACCEPT;
	stats->opened = leaked + 1000;
	stats->closed = 1000;
	stats->eof_seen = 900;
	stats->dwell_max = 3000000;
	stats->dwell[8] = 900;
	stats->closers[0].site = stack(trace, module, 3 * number + 2);
	stats->closers[0].count = 1000;
	return place;
}

static void leak(struct built_trace *trace, const struct place *place, unsigned number)
{
	struct cw_socket *socket = build_accepted(trace, place->open_site);

	socket->fd = (int)number + 4;
	socket->tid = 6120 + number % 8;
	socket->cookie = number + 1;
	socket->flags |= CW_SOCKET_EOF;
	socket->eof = BUILT_NOW - 2000000000 - number * 1000ull;
	socket->first_read_site = place->eof_site;
	socket->eof_site = place->eof_site;
	socket->peer_ip[2] = (uint8_t)(number >> 8);
	socket->peer_ip[3] = (uint8_t)number;
	build_tcp_look(trace, socket, TCP_CLOSE_WAIT, 2000);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	unsigned places = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	struct built_trace trace = build_trace(EXTENTS);
	struct cw_process *process = build_process(&trace);
	struct place *made = calloc(places + 1, sizeof *made);
	cw_ref module = own_module(&trace);
	FILE *file;

	if (!places || !made)
		return 2;
	process->opened = count + places * 1000ull;
	process->closed = places * 1000ull;
	for (unsigned i = 0; i < places; i++)
		made[i] = make_place(&trace, module, i, count / places);
	for (unsigned i = 0; i < count; i++)
		leak(&trace, &made[i % places], i);
	file = fopen(argv[1], "w");
	if (!file || fwrite(trace.bytes, 1, trace.size, file) != trace.size ||
	    fclose(file) != 0)
		return 1;
	free(made);
	built_trace_free(&trace);
	return 0;
}
