/* SPDX-License-Identifier: MIT */
/* Tables as lines of text. */
#include <inttypes.h>
#include <string.h>

#include "top_format.h"
#include "trace/text.h"

/* 80 columns have room for a file, a line and a function behind these. */
#define COUNT_WIDTH     6
#define RATE_WIDTH      8
#define OLDEST_WIDTH    7
#define BYTES_WIDTH     9
/* Places that are longer push their verdict to the right. */
#define PLACE_WIDTH_MAX 40u
#define CUT_MARK        "..."

/* Right-aligned text, behind a blank. */
static void put_right(const struct text_sink *sink, const char *text, size_t width)
{
	size_t size = strlen(text);

	if (size < width)
		text_spaces(sink, width - size);
	text_put(sink, text);
	text_put(sink, " ");
}

static void put_tenths(const struct text_sink *sink, int64_t tenths)
{
	uint64_t size = tenths < 0 ? -(uint64_t)tenths : (uint64_t)tenths;

	text_unsigned(sink, size / 10);
	text_put(sink, ".");
	text_unsigned(sink, size % 10);
}

static void put_descriptors(const struct text_sink *sink,
			    const struct top_process *process)
{
	uint64_t left =
		process->limit > process->used ? process->limit - process->used : 0;
	uint64_t time = top_time_left(process);

	text_put(sink, "pid ");
	text_unsigned(sink, process->pid);
	text_put(sink, ": ");
	text_unsigned(sink, process->used);
	if (!process->limit) {
		text_put(sink, " descriptors");
		return;
	}
	text_put(sink, " of ");
	text_unsigned(sink, process->limit);
	text_put(sink, " descriptors, ");
	text_unsigned(sink, left);
	text_put(sink, " left");
	if (!time)
		return;
	text_put(sink, ": for ");
	text_duration(sink, time);
	text_put(sink, " at ");
	put_tenths(sink, top_series_rate(process->descriptors));
	text_put(sink, " more a minute");
}

static void put_part(const struct text_sink *sink, uint64_t count, const char *words)
{
	if (!count)
		return;
	text_put(sink, ", ");
	text_unsigned(sink, count);
	text_put(sink, " ");
	text_put(sink, words);
}

static void put_sockets(const struct text_sink *sink, const struct top_table *table)
{
	text_count(sink, table->opened, "socket");
	text_put(sink, " opened, ");
	text_unsigned(sink, table->closed);
	text_put(sink, " closed, ");
	text_unsigned(sink, table->leaks);
	text_put(sink, " leaked");
	put_part(sink, table->listening, "listening");
	put_part(sink, table->open, "open");
	put_part(sink, table->young, "too young to judge");
	if (table->subject_count > 1) {
		text_put(sink, "; ");
		text_unsigned(sink, table->process_count);
		text_put(sink, " of ");
		text_count(sink, table->subject_count, "process");
		text_put(sink, table->subject_count == 1 ? " lives" : "es live");
	}
}

/* Bytes of the first `count` characters. */
static size_t characters_size(const char *text, size_t count)
{
	size_t size = 0;

	for (; text[size] && count; count--)
		do
			size++;
		while ((text[size] & 0xc0) == 0x80);
	return size;
}

static void put_program(const struct text_sink *sink, const struct top_table *table,
			size_t columns)
{
	const char *command = table->command;
	size_t behind = strlen(", ") + strlen(table->end);
	size_t room = columns > behind ? columns - behind : 0;

	if (characters_size(command, room) == strlen(command)) {
		text_put(sink, command);
	} else {
		room = room > strlen(CUT_MARK) ? room - strlen(CUT_MARK) : 0;
		text_bytes(sink, command, characters_size(command, room));
		text_put(sink, CUT_MARK);
	}
	text_put(sink, ", ");
	text_put(sink, table->end);
}

void top_head_line(const struct top_table *table, int n, size_t columns,
		   char line[TOP_LINE_BYTES])
{
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, TOP_LINE_BYTES);
	sink = text_buffer_sink(&buffer);
	if (n == 0 && table->command && table->end)
		put_program(&sink, table, columns);
	if (n == 1 && top_tightest(table))
		put_descriptors(&sink, top_tightest(table));
	else if (n == 1)
		text_put(&sink, "no process of it lives any more");
	if (n == 2)
		put_sockets(&sink, table);
}

static size_t place_width(const struct top_table *table)
{
	size_t width = strlen("OPENED IN");

	for (size_t i = 0; i < table->row_count; i++) {
		size_t size = strlen(table->rows[i].place);

		if (size > width)
			width = size < PLACE_WIDTH_MAX ? size : PLACE_WIDTH_MAX;
	}
	return width;
}

void top_titles(const struct top_table *table, char line[TOP_LINE_BYTES])
{
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, TOP_LINE_BYTES);
	sink = text_buffer_sink(&buffer);
	put_right(&sink, "COUNT", COUNT_WIDTH);
	put_right(&sink, "A MINUTE", RATE_WIDTH);
	put_right(&sink, "OLDEST", OLDEST_WIDTH);
	put_right(&sink, "BYTES", BYTES_WIDTH);
	text_padded(&sink, "TREND", TOP_TREND_WIDTH + 1);
	text_padded(&sink, "OPENED IN", place_width(table) + 1);
	text_put(&sink, "VERDICT");
}

/* The last counts between their smallest and their largest. */
static void put_trend(const struct text_sink *sink, const struct top_series *series,
		      bool blocks)
{
	static const char *const drawn[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {"_", "_", ".", ".", "-", "-", "=", "#"};
	uint64_t least = UINT64_MAX, most = 0, value;

	for (uint32_t n = 0; n < TOP_TREND_WIDTH; n++) {
		if (!top_series_at(series, n, &value))
			continue;
		least = value < least ? value : least;
		most = value > most ? value : most;
	}
	for (uint32_t n = TOP_TREND_WIDTH; n-- > 0;) {
		uint64_t step;

		if (!top_series_at(series, n, &value)) {
			text_put(sink, " ");
			continue;
		}
		step = most > least ? (value - least) * 7 / (most - least) : 0;
		text_put(sink, blocks ? drawn[step] : plain[step]);
	}
	text_put(sink, " ");
}

static void put_rate(const struct text_sink *sink, const struct top_series *series)
{
	char text[32];
	struct text_buffer buffer;
	struct text_sink inner;
	int64_t rate = top_series_rate(series);
	uint64_t before;

	text_buffer_init(&buffer, text, sizeof(text));
	inner = text_buffer_sink(&buffer);
	/* One look says nothing of a rate. */
	if (!top_series_at(series, 1, &before)) {
		text_put(&inner, "-");
	} else {
		text_put(&inner, rate < 0 ? "-" : rate > 0 ? "+" : "");
		put_tenths(&inner, rate);
	}
	put_right(sink, text, RATE_WIDTH);
}

static void put_unit(const struct text_sink *sink, uint64_t value, size_t width,
		     void (*unit)(const struct text_sink *sink, uint64_t value))
{
	char text[32];
	struct text_buffer buffer;
	struct text_sink inner;

	text_buffer_init(&buffer, text, sizeof(text));
	inner = text_buffer_sink(&buffer);
	unit(&inner, value);
	put_right(sink, text, width);
}

void top_row_line(const struct top_table *table, const struct top_row *row, bool blocks,
		  char line[TOP_LINE_BYTES])
{
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, TOP_LINE_BYTES);
	sink = text_buffer_sink(&buffer);
	put_unit(&sink, row->count, COUNT_WIDTH, text_unsigned);
	put_rate(&sink, row->counts);
	put_unit(&sink, row->oldest, OLDEST_WIDTH, text_duration);
	put_unit(&sink, row->bytes, BYTES_WIDTH, text_size);
	put_trend(&sink, row->counts, blocks);
	text_padded(&sink, row->place, place_width(table));
	text_put(&sink, " ");
	text_put(&sink, verdict_name(row->verdict));
	text_put(&sink, "  [");
	text_hex(&sink, row->fingerprint, 8);
	text_put(&sink, "]");
}

void top_put(const struct top_table *table, bool blocks, FILE *file)
{
	char line[TOP_LINE_BYTES];

	for (int n = 0; n < TOP_HEAD_LINES; n++) {
		top_head_line(table, n, TOP_LINE_BYTES - 1, line);
		fprintf(file, "%s\n", line);
	}
	if (table->row_count) {
		top_titles(table, line);
		fprintf(file, "%s\n", line);
	}
	for (size_t i = 0; i < table->row_count; i++) {
		top_row_line(table, &table->rows[i], blocks, line);
		fprintf(file, "%s\n", line);
	}
}
