/* SPDX-License-Identifier: MIT */
/*
 * What `closewait run` knows of a run and the traces do not: kept as session.json in the
 * session's directory.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct run_facts {
	char *command;    /* argv, quoted for a shell where needed; owned */
	pid_t pid;        /* of the command */
	uint64_t started; /* ns since the epoch */
	uint64_t ended;   /* the same; 0: it has not, or nobody saw it */
	uint64_t
		ended_mono; /* ns, monotonic: the same moment, or an earlier one at which it
				lived: struct child */
	int status;         /* wait(2)'s, with `ended` */
};

/* Writes them, replacing what was there. Returns 0 or -errno. */
int run_facts_write(const struct run_facts *facts, const char *session);

/* Reads them. Returns 0; -ENOENT: the session is not of `closewait run`; or -EBADMSG. */
int run_facts_read(struct run_facts *facts, const char *session);
void run_facts_free(struct run_facts *facts);

/* argv as one would type it. Owned by the caller; NULL: no memory. */
char *run_facts_command(char *const argv[]);
