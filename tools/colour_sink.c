/* SPDX-License-Identifier: MIT */
/* Colouring lines. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colour_sink.h"
#include "trace/faults.h"
#include "trace/text.h"

#define RED    "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN  "\033[1;32m"
#define BOLD   "\033[1m"
#define CYAN   "\033[36m"
#define DIM    "\033[2m"
#define PLAIN  "\033[0m"

#define LABEL_END 14u /* column behind a label and its indent: as report_parts.h has it */

/* How a line begins, and what is coloured then. */
struct shape {
	const char *start;
	const char *colour;
	bool whole; /* the line, not only its start */
};

static const struct shape shapes[] = {
	{"closewait: LEAK: ", RED, true},
	{"closewait: FAULT: ", YELLOW, true},
	{"closewait: UNKNOWN: ", YELLOW, true},
	{"closewait: no leaks: ", GREEN, true},
	{"closewait: scan: no ", GREEN, true},
	{"closewait: scan: ", RED, true},
	{"pid ", BOLD, true},
	{"next: ", GREEN, false},
	{"hidden: ", YELLOW, false},
	{"  help: ", GREEN, false},
	{"lost: ", YELLOW, false},
	{"note: ", YELLOW, false},
	{"suppressed: ", DIM, true},
};

int colour_parse(const char *option, const char *argument, enum colour *colour)
{
	static const char *const names[] = {
		[COLOUR_AUTO] = "auto",
		[COLOUR_ALWAYS] = "always",
		[COLOUR_NEVER] = "never",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(argument, names[i]) != 0)
			continue;
		*colour = (enum colour)i;
		return 0;
	}
	fprintf(stderr, "closewait: %s: '%s' is not auto, always or never\n", option,
		argument);
	return -1;
}

bool colour_wanted(enum colour colour, FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (colour != COLOUR_AUTO)
		return colour == COLOUR_ALWAYS;
	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return fileno(stream) >= 0 && isatty(fileno(stream));
}

static void put(struct colour_sink *colours, const char *bytes, size_t size)
{
	colours->inner->put(colours->inner->context, bytes, size);
}

static bool begins(const struct colour_sink *colours, const char *start)
{
	size_t size = strlen(start);

	return colours->used >= size && memcmp(colours->line, start, size) == 0;
}

/* The first `size` bytes in colour, the others as they are. */
static void put_coloured(struct colour_sink *colours, const char *colour, size_t size)
{
	put(colours, colour, strlen(colour));
	put(colours, colours->line, size);
	put(colours, PLAIN, sizeof(PLAIN) - 1);
	put(colours, colours->line + size, colours->used - size);
}

static bool put_by_start(struct colour_sink *colours)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (!begins(colours, shapes[i].start))
			continue;
		put_coloured(colours, shapes[i].colour,
			     shapes[i].whole ? colours->used : strlen(shapes[i].start));
		return true;
	}
	return false;
}

static bool begins_with_name(const struct colour_sink *colours, const char *name)
{
	size_t size = strlen(name);

	return begins(colours, name) && colours->used > size + 1 &&
	       memcmp(colours->line + size, "  ", 2) == 0;
}

/* "eof-ignored  3 accepted sockets: …" */
static bool put_name(struct colour_sink *colours)
{
	const char *name = NULL;

	for (unsigned i = 0; !name && i < VERDICT_CLOSED; i++)
		if (begins_with_name(colours, verdict_name((enum verdict)i)))
			name = verdict_name((enum verdict)i);
	for (unsigned i = 0; !name && i < FAULT_KINDS; i++)
		if (begins_with_name(colours, fault_name((enum fault_kind)i)))
			name = fault_name((enum fault_kind)i);
	if (name)
		put_coloured(colours, BOLD, strlen(name));
	return name;
}

/* "                88 |  n = recv(…": digits that end at a bar. */
static bool is_source(const struct colour_sink *colours)
{
	size_t i = LABEL_END;

	if (colours->used <= LABEL_END || strspn(colours->line, " ") < LABEL_END)
		return false;
	i += strspn(colours->line + i, " ");
	if (!strspn(colours->line + i, "0123456789"))
		return false;
	i += strspn(colours->line + i, "0123456789");
	return strncmp(colours->line + i, " |  ", 4) == 0;
}

/* "  EOF read    read_request …": words in their columns, then text. */
static bool is_labelled(const struct colour_sink *colours)
{
	static const char *const labels[] = {
		"EOF read",   "opened",    "first read",  "first write", "last call",
		"peer FIN",   "reset",     "shutdown",    "then reset",  "closed by",
		"closed",     "and again", "told of FIN", "told of end", "at the end",
		"eof-unread", "eof-read",  "unread",      "peers",       "local",
		"detached",   "not told",  "holds",       "backlog"};

	if (colours->used <= LABEL_END || !begins(colours, "  "))
		return false;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		size_t size = strlen(labels[i]);

		if (strncmp(colours->line + 2, labels[i], size) == 0 &&
		    strspn(colours->line + 2 + size, " ") >= LABEL_END - 2 - size)
			return true;
	}
	return false;
}

/* The newline stays out of it: a terminal would colour the next line's background. */
static void put_line(struct colour_sink *colours)
{
	colours->line[colours->used] = '\0';
	if (put_by_start(colours) || put_name(colours))
		return;
	if (is_source(colours))
		put_coloured(colours, DIM, colours->used);
	else if (is_labelled(colours))
		put_coloured(colours, CYAN, LABEL_END);
	else
		put(colours, colours->line, colours->used);
}

static void end_line(struct colour_sink *colours)
{
	if (colours->rest)
		put(colours, colours->line, colours->used);
	else if (colours->used)
		put_line(colours);
	colours->used = 0;
}

static void take(void *context, const char *bytes, size_t size)
{
	struct colour_sink *colours = context;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n') {
			end_line(colours);
			put(colours, "\n", 1);
			colours->rest = false;
			continue;
		}
		if (colours->used == sizeof(colours->line) - 1) {
			colours->rest = true;
			end_line(colours);
		}
		colours->line[colours->used++] = bytes[i];
	}
}

struct text_sink colour_sink_init(struct colour_sink *colours,
				  const struct text_sink *inner)
{
	colours->inner = inner;
	colours->used = 0;
	colours->rest = false;
	return (struct text_sink){.put = take, .context = colours};
}

void colour_sink_flush(struct colour_sink *colours)
{
	end_line(colours);
}
