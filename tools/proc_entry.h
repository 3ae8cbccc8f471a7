/* SPDX-License-Identifier: MIT */
/*
 * One process by its directory in /proc, held open: what is read through it is this
 * process's or fails, also when its number has gone to another one since.
 *
 * The root ("/proc") is a descriptor of the caller's, so that a test can build one of files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_entry {
	pid_t pid;
	pid_t thread; /* whose directory it is: another one if the main thread has ended */
	int dir;      /* O_PATH; owned */
	uint64_t start; /* clock ticks since boot at which that thread started */
};

#define PROC_LIMIT_UNKNOWN UINT64_MAX
#define PROC_LIMIT_NONE    (UINT64_MAX - 1)

/* Returns 0, or -errno: -ESRCH, there is none, or it has ended and is not waited for yet;
 * -EACCES, not ours to see. */
int proc_entry_open(struct proc_entry *entry, int root, pid_t pid);
void proc_entry_close(struct proc_entry *entry);

/* Whether the number still is this process's, and it has not ended. */
bool proc_entry_is_same(const struct proc_entry *entry, int root);

/* The inode of its network namespace. Returns 0 or -errno (-EACCES: not ours to see). */
int proc_entry_netns(const struct proc_entry *entry, uint64_t *inode);

/* The soft limit on descriptors; PROC_LIMIT_NONE, PROC_LIMIT_UNKNOWN. */
uint64_t proc_entry_fd_limit(const struct proc_entry *entry);

/* The command line with blanks between its words, else the name in brackets as ps shows it;
 * cut to what `text` holds. Foreign text. */
void proc_entry_command(const struct proc_entry *entry, char *text, size_t size);
/* The name of its main thread, at most 15 bytes. Foreign text. */
void proc_entry_name(const struct proc_entry *entry, char name[16]);

/* Whether a mapped file of it has this name. */
bool proc_entry_maps(const struct proc_entry *entry, const char *base_name);

typedef void proc_socket_visit(void *context, int fd, uint64_t inode);

/* Visits its descriptors that are sockets, of whatever kind; counts all in *descriptors.
 * Returns 0, or -errno: -EACCES, not ours to see; -ESRCH, it has ended. On an error that
 * came midway some were visited. */
int proc_entry_each_socket(const struct proc_entry *entry, proc_socket_visit *visit,
			   void *context, uint64_t *descriptors);

/* The inode of the socket behind a descriptor; 0: no socket, or not to be seen. */
uint64_t proc_entry_socket(const struct proc_entry *entry, int fd);
/* Whether that socket is a TCP one, by the kernel's word. */
bool proc_entry_is_tcp(const struct proc_entry *entry, int fd);

/* The same of any path like /proc/PID/fd/N. */
bool proc_fd_is_tcp(const char *path);

/* Field 22 of the text of /proc/PID/stat; 0: a zombie's, or not understood. */
uint64_t proc_stat_start(const char *stat);
/* By the same text, of a process or a thread: it has ended, or is at it. */
bool proc_stat_ends(const char *stat);
