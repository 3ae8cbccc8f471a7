/* SPDX-License-Identifier: MIT */
/*
 * The text report of some processes, of one trace or of many.
 *
 * Built without malloc, stdio, locks or errno, from a view and a symbolizer that is
 * handed in, so that a dying process and the command print the same thing. Working memory
 * is anonymous mappings (56 bytes a socket and 96 a place at most, touched as needed),
 * given back before it returns; it takes about 3 KiB of stack, the symbolizer not counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view.h"

/* Where text goes. put() may be called with any length; it must not fail: a sink that is
 * full drops and remembers. */
struct text_sink {
	void (*put)(void *context, const char *bytes, size_t size);
	void *context;
};

/* One source-level frame. Strings belong to the symbolizer and live until its next name(). */
struct symbol {
	const char *function; /* for people to read; NULL: not known */
	const char *raw;      /* as the linker knows it; NULL: the same as `function` */
	uint64_t
		offset; /* bytes from the function's start; function NULL: in the module */
	const char *file; /* NULL: not known */
	int line;         /* 0: not known */
	const char
		*directory; /* where `file` begins if it is relative; NULL: not known */
	const char *inlined_into; /* NULL, or the function this one was inlined into */
};

/*
 * Names one frame. Fills out[0..max), innermost inlined function first, and returns how
 * many (0: nothing is known). The last is always the function that the others are inlined
 * into, even if there is no room for all of them. `pc` is the address to look up: for a return address
 * already one less. Called from one thread; in the traced process it may only use open,
 * read, mmap and the like.
 *
 * source(), if it is not NULL (as in the traced process), tells the text of a line in one of
 * name()'s files (of a Python frame: module NULL): without indentation, at most 200 bytes are shown; NULL if it cannot be had.
 * It lives until the next call of source() or name().
 */
struct symbolizer {
	int (*name)(void *context, const struct trace_view *view,
		    const struct cw_module *module, uint64_t pc, struct symbol *out,
		    int max);
	const char *(*source)(void *context, const struct cw_module *module,
			      const char *file, int line);
	void *context;
};

/* What has become of a process that has not said that it ended. */
enum report_life {
	REPORT_LIFE_ENDING, /* it prints this itself, at its end */
	REPORT_LIFE_ALIVE,
	REPORT_LIFE_KILLED, /* it ended without saying so: SIGKILL, or the machine */
};

/* A process to report on. */
struct report_process {
	const struct trace_view *view;
	uint32_t extent; /* its process extent in that trace */
	enum report_life life;
	int killed_by;      /* the signal, where somebody waited for it; 0: not known */
	uint64_t killed_at; /* ns, monotonic: when; 0: not known */
};

/* Processes that ended cleanly and have given back their books: what is left of them. */
struct report_clean {
	uint64_t processes;
	uint64_t opened; /* sockets */
	uint64_t closed;
	uint64_t young; /* not judged: left by the peer for less than grace */
	uint64_t gone;  /* closed or replaced out of our sight */
};

struct report_options {
	uint64_t now;           /* ns, monotonic: the moment the report names */
	bool command;           /* the command prints it: no hint to run the command */
	bool show_open;         /* also the sockets that are no finding */
	bool group_open;        /* those in groups, though not shown */
	bool all;               /* every socket, every frame, every counter */
	bool native;            /* also what is native below Python frames */
	bool only_findings;     /* nothing at all where there is nothing to report */
	uint64_t grace;         /* ns; 0: as the trace has it */
	uint64_t slow_close;    /* ns; 0: as the trace has it */
	const char *trace_path; /* for the hint how to see more; NULL: none */
	bool nameless; /* the program is not named where there is nothing to report */
	struct report_clean clean;
	/* All traces of the session, those included of which no process is left: for what they
	 * know of a socket that others hold. None: the first process's trace. */
	const struct trace_view *const *traces;
	size_t trace_count;
};

struct report_result {
	uint64_t leaks;    /* sockets */
	uint64_t findings; /* leaks, and faults: what made the report worth printing */
	uint64_t young;    /* sockets that were not judged */
	uint64_t undated;  /* of those: a sample may tell since when */
	uint64_t gone;     /* sockets of which only the end found that they were closed */
};

/* The processes of a trace, the image's first one first: those that live, or ended with books
 * that are still there. Fills at most `max`, each with life ENDING; returns how many there are. */
uint32_t report_processes(const struct trace_view *view, struct report_process *processes,
			  uint32_t max);

/* Adds the trace's clean processes. */
void report_add_clean(struct report_clean *clean, const struct trace_view *view);

/* "6 opened, 4 closed, 1 process", and what was not judged. */
void report_put_clean(const struct report_clean *clean, const struct text_sink *sink);

struct findings;

/* Puts the text of what findings_build() found. */
void report_put(struct findings *findings, const struct report_options *options,
		const struct symbolizer *symbolizer, const struct text_sink *sink);

/* For who shows groups in a form of their own. One group as a report has it; the place where its
 * sockets were opened, in a word or two ("server.c:61 accept_conn"); the command line of the
 * program; what became of it. */
struct group;
void report_put_group(struct findings *findings, const struct group *group,
		      const struct report_options *options,
		      const struct symbolizer *symbolizer, const struct text_sink *sink);
void report_put_place(struct findings *findings, const struct group *group,
		      const struct report_options *options,
		      const struct symbolizer *symbolizer, const struct text_sink *sink);
void report_put_command(struct findings *findings, uint32_t subject,
			const struct report_options *options,
			const struct text_sink *sink);
void report_put_end(struct findings *findings, uint32_t subject,
		    const struct report_options *options, const struct text_sink *sink);

/* Both in one. `count` is at least 1. Returns 0, or -errno (-ENOMEM: no working memory; nothing
 * was put). */
int report_text(const struct report_process *processes, uint32_t count,
		const struct report_options *options, const struct symbolizer *symbolizer,
		const struct text_sink *sink, struct report_result *result);
