/* SPDX-License-Identifier: MIT */
/*
 * What `closewait run` saw of the kernel's table while the processes of its session lived: the
 * file "samples" in the session's directory.
 *
 * A header and a row of fixed-size records, native endian, one for each socket that was seen in
 * CLOSE_WAIT, or (AF_UNIX) with both directions shut. The record of a socket is written when it is first seen there, when something that
 * a report tells of it has changed, and when it is seen no more; the header after each look.
 * What is in the file at any instant holds: `closewait run` may be killed too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"

#define SAMPLES_NAME    "samples"
#define SAMPLES_MAGIC   "closewait looks\n" /* 16 bytes, no NUL */
#define SAMPLES_VERSION 1u
/* 12 MiB of them: more sockets than that are counted as missed. */
#define SAMPLES_MAX     65536u

struct samples_header {
	char magic[16];
	uint32_t version;
	uint32_t record_size; /* sizeof(struct sample) */
	uint64_t period;      /* ns between two looks */
	uint64_t last;        /* ns, monotonic: the last look; 0: there was none */
	uint64_t missed;      /* the most sockets that one look had no record for */
	uint32_t count;       /* records */
	uint32_t denied;      /* network namespaces that could not be asked */
};

struct sample {
	uint64_t cookie;
	uint64_t first;      /* ns: the first look that found it so */
	uint64_t until;      /* ns: the last one that did; 0: that of the header */
	struct cw_look look; /* as of look.taken; without strings */
};

static_assert(sizeof(struct samples_header) == 56, "layout");
static_assert(sizeof(struct sample) % 8 == 0, "layout");

/* Makes the file, which must not be there yet, and begins it with the header. Returns a descriptor
 * for the two below, or -errno. */
int samples_create(const char *session, const struct samples_header *header);
/* Removes it, if it is there. */
void samples_remove(const char *session);
/* Each writes one record, or the header. Returns 0 or -errno. */
int samples_put(int fd, uint32_t index, const struct sample *sample);
int samples_put_header(int fd, const struct samples_header *header);

/* What was read. */
struct samples {
	struct samples_header header;
	struct sample *records; /* header.count of them, by cookie; owned */
};

/* Reads the file of a session, as hostile input. Returns 0; -ENOENT: nobody took samples;
 * -EBADMSG: it is no such file; or another -errno. */
int samples_read(struct samples *samples, const char *session);
void samples_free(struct samples *samples);

/* The record of a socket, NULL: it was never seen so. */
const struct sample *samples_find(const struct samples *samples, uint64_t cookie);
