/* SPDX-License-Identifier: MIT */
/*
 * Which processes of this machine hold sockets in CLOSE_WAIT (or other states), by the kernel's
 * tables and /proc/PID/fd alone: nothing is preloaded, and no process is stopped or entered.
 *
 * A socket is put down to a process only if that process, from before its descriptors were read
 * until after, was the same one. What could not be seen is counted.
 */
#pragma once

#include "proc_entry.h"
#include "socket_table.h"
#include "unlisted.h"

struct scan_request {
	uint32_t states;  /* as in struct diag_wanted */
	uint32_t min_age; /* ms; what is younger, by its lower bound, is counted apart */
	pid_t pid;        /* this process alone; 0: all */
};

enum scan_eof {
	SCAN_EOF_UNKNOWN, /* in this state the queue does not tell */
	SCAN_EOF_READ,    /* read, or taken together with the last data */
	SCAN_EOF_UNREAD,  /* the FIN is in the receive queue: no call has returned 0 */
	SCAN_EOF_KINDS,
};

struct scan_socket {
	struct table_row *row; /* the scan's */
	int fd;                /* the lowest one; there may be duplicates */
};

/* A held TCP socket whose connection is over and that no table lists. */
struct scan_detached {
	uint64_t inode;
	int fd;
};

struct scan_process {
	pid_t pid;
	uint64_t start;              /* clock ticks since boot */
	uint64_t netns;              /* inode; 0: not to be seen */
	struct scan_socket *sockets; /* the oldest first */
	size_t count, room;
	uint64_t eof[SCAN_EOF_KINDS]; /* sockets */
	struct age oldest;            /* of the socket with the greatest lower bound */
	uint64_t unread;              /* bytes, of all of them */
	struct scan_detached *detached;
	size_t detached_count, detached_room;
	uint64_t unaccepted;  /* connections in the backlogs of its listeners */
	uint64_t untold;      /* unlisted TCP sockets, dead or never connected */
	uint64_t descriptors; /* that it has open */
	uint64_t limit;       /* proc_entry_fd_limit() */
	bool incomplete;      /* not all of its descriptors could be read */
	bool traced;          /* runs with libclosewait.so */
	char name[16];        /* foreign text, and the next too */
	char command[1024];
};

struct scan {
	struct scan_request request;
	struct socket_table table;      /* in the states asked for */
	struct scan_process *processes; /* those that hold most first */
	size_t count, room;
	uint64_t looked_at;  /* processes whose descriptors were read */
	uint64_t namespaces; /* that were asked */
	uint64_t sockets;    /* that a process holds; one that several hold counts once */
	uint64_t young;      /* younger than min_age: counted nowhere else */
	uint64_t unaccepted; /* still in a listener's backlog: no descriptor names them */
	uint64_t orphaned;   /* closed by their process; the kernel finishes them */
	uint64_t changed;    /* processes that ended meanwhile */
	struct {
		uint64_t sockets;    /* that no process holds that could be seen */
		uint64_t processes;  /* whose descriptors could not be read */
		uint64_t namespaces; /* that could not be asked */
		uint64_t unaccepted; /* of the above, those whose listener is held by no
					process that could be seen, or is not the only one */
		uint64_t elsewhere;  /* sockets in such a namespace, of processes that
					could be seen */
	} hidden;
	uint64_t took;  /* ns */
	uint64_t taken; /* ns since the epoch */
};

/* For tests: what happens between two looks. */
enum scan_step {
	SCAN_LISTED,  /* processes and namespaces are known */
	SCAN_QUERIED, /* the tables were read */
	SCAN_OPENED,  /* a process is about to be read */
	SCAN_SOCKET,  /* one of its descriptors is a socket, and has been looked at */
	SCAN_READ,    /* and its descriptors have been */
	SCAN_JOINED,  /* all of them */
};

/* Where everything is read. `context` goes to each function. */
struct scan_source {
	int proc; /* descriptor of /proc; the caller's */
	table_query *query;
	enum unlisted (*unlisted)(void *context, const struct proc_entry *entry, int fd,
				  uint64_t inode, uint32_t *state);
	void (*step)(void *context, enum scan_step step, pid_t pid); /* NULL: none */
	void *context;
};

/* The kernel; `proc` is set by the caller. */
extern const struct scan_source scan_source_kernel;

/* Returns 0 or -errno. Of a request for one process: -ESRCH, there is none; -EACCES, its
 * descriptors are not ours to see; -EPERM, nor is its namespace. Else the kernel would not answer,
 * or there is no memory, or -ENOENT: no process at all is to be seen. scan_free() in any case. */
int scan_take(struct scan *scan, const struct scan_request *request,
	      const struct scan_source *source);
void scan_free(struct scan *scan);

/* Whether a socket is in the state, seen or hidden. (A detached one is in none.) */
bool scan_found(const struct scan *scan);

enum scan_eof scan_eof_of(const struct diag_socket *socket);
