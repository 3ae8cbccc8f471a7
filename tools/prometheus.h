/* SPDX-License-Identifier: MIT */
/*
 * Metrics in the text format of Prometheus, for node_exporter's textfile collector.
 *
 * Each process and each site is a series of its own, and a series is kept for weeks: so only
 * the first PROMETHEUS_PROCESSES and PROMETHEUS_SITES rows have one, the others are summed in
 * one that is called "other". Callers put the rows that matter most first.
 *
 * Strings are foreign text, and made clean here; they stay the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PROMETHEUS_PROCESSES 20u
#define PROMETHEUS_SITES     50u

/* What a process holds. */
struct prometheus_process {
	pid_t pid;
	const char *command; /* a name, not a command line: those may hold secrets */
	uint64_t eof_read;   /* sockets in the states that were asked for, by EOF */
	uint64_t eof_unread;
	uint64_t eof_unknown;
	uint64_t detached; /* sockets of connections that are over */
	uint64_t unread_bytes;
	uint64_t oldest_ms;   /* lower bound; 0 if there is none */
	uint64_t descriptors; /* open */
	uint64_t limit; /* on descriptors; UINT64_MAX - 1: none, UINT64_MAX: not known */
};

/* What was opened at a place in the code, of all processes together. */
struct prometheus_site {
	const char *fingerprint; /* as the report prints it: the same after a rebuild */
	const char *place;   /* "accept_conn server.c:61", "stuck_server.py:11 in main" */
	uint64_t close_wait; /* sockets now in CLOSE_WAIT */
	uint64_t open;       /* sockets now open, whatever their state */
	uint64_t opened;     /* ever: counters */
	uint64_t closed;
	uint64_t oldest_ms; /* lower bound, of those in CLOSE_WAIT */
};

struct prometheus_page {
	const struct prometheus_process *processes; /* NULL: nobody asked for processes */
	size_t process_count;
	const struct prometheus_site *sites; /* NULL: no site is known */
	size_t site_count;
	bool scanned; /* the whole machine, and the following is known */
	uint64_t hidden_sockets, hidden_processes, hidden_namespaces;
	uint64_t unaccepted; /* connections that no accept() has taken */
	uint64_t taken;      /* ns since the epoch */
	uint64_t took;       /* ns */
};

/* Returns 0 or an errno value. */
int prometheus_put(const struct prometheus_page *page, FILE *file);

/* The same to a file, replaced in one step and on the disk before it has its name; "-" is
 * standard output. Returns 0, or -1 after one line on standard error. */
int prometheus_write(const struct prometheus_page *page, const char *path);
