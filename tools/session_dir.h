/* SPDX-License-Identifier: MIT */
/*
 * Where sessions are kept, and the making and removing of them.
 *
 * The bases are the library's own: $XDG_RUNTIME_DIR/closewait, /dev/shm/closewait-UID,
 * /tmp/closewait-UID. A session is a directory in one of them, named PID-STARTTIME after the
 * process that began it: the command under plain LD_PRELOAD, `closewait run` otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define SESSION_BASES 3

/* The n-th base; false: there is none. */
bool session_base(int n, char *path, size_t room);

/* Makes a session directory of the calling process, in `base` or, if that is NULL, in the first
 * base that the library can use too. Returns 0 with its path, or -1 after one line on standard
 * error. */
int session_make(const char *base, char *path, size_t room);

/* Whether a default base is the caller's alone: another user can have made a directory of that
 * name, or a link to anywhere. */
bool session_base_is_ours(const char *path);

/* Opens a directory that may be a session's; never through a link. Returns -1 with errno. */
int session_open(const char *path);

/* Whether it is one: private, and nothing in it but what sessions consist of. */
bool session_is_one(int fd);

/* Nobody but its owner has to do with it any more. */
void session_seal(const char *path);

/* Removes a session's directory with what sessions consist of. Returns 0 or -errno. */
int session_remove(const char *path);

/* One kept session. */
struct kept_session {
	char *path; /* owned by the list */
	time_t changed;
	uint64_t bytes; /* on disk */
	uint32_t traces;
	bool alive; /* what began it, or a process in one of its traces, still runs */
};

struct kept_list {
	struct kept_session *sessions; /* newest first */
	size_t count;
};

/* The sessions in `base`, or in all bases if that is NULL. A base that is not there has none.
 * Returns 0, or -1 after one line on standard error. */
int kept_list_take(struct kept_list *list, const char *base);
void kept_list_free(struct kept_list *list);

/* Removes the oldest ended sessions while there are more than 256 MiB: as much as the library
 * lets be kept. `base` as above. */
void kept_prune(const char *base);
