/* SPDX-License-Identifier: MIT */
/*
 * What /proc says of this process. Each opens a file and closes it again; none allocates.
 * Called when the trace is made and at the end, never in the hot path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/self/stat: start time in clock ticks since boot. 0 if it cannot be
 * read. */
uint64_t proc_start_ticks(void);

/* Ticks since boot, as the start time is told in. No system call; 0 if they cannot be told. */
uint64_t proc_ticks_now(void);

/* The start time of this process, which was forked after `before` (0: not known), to the tick before:
 * cw_started_then(). Where more ticks have passed it is read. */
uint64_t proc_start_ticks_since(uint64_t before);

/* The same of another process; 0 if there is none. */
uint64_t proc_start_ticks_of(uint64_t pid);

/* Has anybody that pid of our own pid namespace? A zombie has it. One system call. */
bool proc_exists(uint32_t pid);

/* Is that process of our own pid namespace no more, or a zombie? False where it cannot be told:
 * where /proc is not there or another namespace's, only a pid that nobody has tells. */
bool proc_gone(uint32_t pid, uint64_t start_ticks);

/* How many threads this process has; 0 if /proc does not say. */
uint64_t proc_threads(void);

/* The inode of our pid namespace; 0 if /proc does not say. */
uint32_t proc_pid_namespace(void);

/* The kernel's boot id as 16 raw bytes, zeros if unknown. */
void proc_boot_id(uint8_t id[16]);

/* The program's file, which is that of /proc/self/exe but where the loader was run by hand, and the
 * command line joined by spaces, each cut to `room`. */
void proc_executable(char *to, size_t room);
void proc_command(char *to, size_t room);

/* The value of an environment variable, NULL if not set. No lock (getenv is as safe only
 * while no thread calls setenv): for set-up. */
const char *proc_environment(const char *name);

/* Is this process 1 of its pid namespace? */
bool proc_is_init(void);

/* How many descriptors are open; 0 if it cannot be told. */
uint32_t proc_count_fds(void);

/* Calls each(name) for the entries of a directory, "." and ".." left out. Its descriptor
 * is open meanwhile. Returns 0, or -errno. */
int proc_each_entry(const char *path, void (*each)(void *context, const char *name),
		    void *context);
