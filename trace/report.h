/* SPDX-License-Identifier: MIT */
/*
 * The text report of one trace, or of one process in it.
 *
 * Built without malloc, stdio, locks or errno, from a view and a symbolizer that is
 * handed in, so that a dying process and the command print the same thing. Working memory
 * is one anonymous mapping at a time (56 bytes a socket and 16 a place at most, touched as needed),
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
	uint64_t offset;      /* bytes from the function's start; function NULL: in the module */
	const char *file;         /* NULL: not known */
	int line;                 /* 0: not known */
	const char *inlined_into; /* NULL, or the function this one was inlined into */
};

/*
 * Names one frame. Fills out[0..max), innermost inlined function first, and returns how
 * many (0: nothing is known). `pc` is the address to look up: for a return address
 * already one less. Called from one thread; in the traced process it may only use open,
 * read, mmap and the like.
 *
 * source(), if it is not NULL (as in the traced process), tells the text of a line in one of
 * name()'s files: without indentation, at most 200 bytes are shown; NULL if it cannot be had.
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

struct report_options {
	uint32_t process; /* process extent to report on; 0: every process in the trace */
	uint64_t now;     /* ns, monotonic: the moment the report names */
	bool alive;       /* the process lives and goes on (the command looks at it) */
	bool killed;      /* it ended without saying so: SIGKILL, or the machine */
	/* With more than one process: of each. NULL: `alive` and `killed` hold for all. */
	enum report_life (*life)(void *context, const struct cw_process *process);
	void *life_context;
	bool command; /* the command prints it: no hint to run the command */
	bool show_open;   /* also the sockets that are no finding */
	bool all;         /* every socket, every frame, every counter */
	bool only_findings;     /* nothing at all where there is nothing to report */
	uint64_t grace;         /* ns; 0: as the trace has it */
	uint64_t slow_close;    /* ns; 0: as the trace has it */
	const char *trace_path; /* for the hint how to see more; NULL: none */
};

struct report_result {
	uint64_t leaks;    /* sockets */
	uint64_t findings; /* leaks, and faults: what made the report worth printing */
};

/* Returns 0, or -errno (-ENOMEM: no working memory; nothing was put). */
int report_text(const struct trace_view *view, const struct report_options *options,
		const struct symbolizer *symbolizer, const struct text_sink *sink,
		struct report_result *result);
