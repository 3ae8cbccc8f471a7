/* SPDX-License-Identifier: MIT */
/*
 * Reads a trace from hostile bytes as the command does: the view, the verdicts, the groups
 * and the text report, terse and in full.
 *
 * With clang this is a libFuzzer target. With any compiler it replays the files, and the
 * files in the directories, that it is given: `trace_replay corpus`.
 *
 * A trace is made of extents of 16 KiB that are zero for the most part, far more than a
 * fuzzer mutates well. So an input is a trace with its runs of zeros folded: an escape
 * byte, then how many zero bytes less one (16 bits, low first); count 0xffff escapes the
 * escape itself. Any input unfolds to something. tests/fuzz/fold.py folds real traces.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trace/report.h"

#define ESCAPE    0xa7u
#define ITSELF    0xffffu
#define UNFOLDED  (64u * CW_EXTENT_SIZE)
#define FOLDED    (1u << 20)
#define MOMENT    200000000000ull
#define FUNCTIONS 7u
#define PROCESSES 64u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t unfold(const uint8_t *in, size_t size, uint8_t *out)
{
	size_t used = 0;

	for (size_t i = 0; i < size && used < UNFOLDED; i++) {
		size_t count;

		out[used] = in[i];
		if (in[i] != ESCAPE || size - i < 3) {
			used++;
			continue;
		}
		count = in[i + 1] | (size_t)in[i + 2] << 8;
		i += 2;
		if (count == ITSELF) {
			used++;
			continue;
		}
		count = count + 1 < UNFOLDED - used ? count + 1 : UNFOLDED - used;
		memset(out + used, 0, count);
		used += count;
	}
	return used;
}

/* Names that want cleaning, nesting and width: what a symbol table may hold. */
static int name(void *context, const struct trace_view *view,
		const struct cw_module *module, uint64_t pc, struct symbol *out, int max)
{
	static const char *const functions[FUNCTIONS] = {
		"main", "_start", "serve\033[2J", "\302\233x", "read.part.0", "", NULL};
	int count = pc % 3 && max > 1 ? 2 : 1;

	(void)context;
	(void)view;
	(void)module;
	if (pc % 11 == 0)
		return 0;
	for (int i = 0; i < count; i++)
		out[i] = (struct symbol){
			.function = functions[(pc + (uint64_t)i) % FUNCTIONS],
			.offset = pc,
			.file = pc % 2 ? "/src/ser\nver.c" : NULL,
			.line = (int)(uint32_t)pc,
			.inlined_into = i + 1 < count ? "outer" : NULL,
		};
	return count;
}

/* No report may drive a terminal, whatever the trace holds: no control character, none of
 * C1 in UTF-8 either, nothing that is no UTF-8. A put() never ends within a character. */
static void put(void *context, const char *bytes, size_t size)
{
	const unsigned char *c = (const unsigned char *)bytes;

	(void)context;
	for (size_t i = 0; i < size; i++) {
		size_t more = c[i] < 0xc0 ? 0 : c[i] < 0xe0 ? 1 : c[i] < 0xf0 ? 2 : 3;

		if ((c[i] < 0x20 && c[i] != '\n') || c[i] == 0x7f ||
		    (c[i] >= 0x80 && c[i] < 0xc2) || more >= size - i ||
		    (c[i] == 0xc2 && c[i + 1] < 0xa0))
			abort();
		for (; more; more--)
			if ((c[++i] & 0xc0) != 0x80)
				abort();
	}
}

static void report(const struct trace_view *view, bool all)
{
	static struct report_process processes[PROCESSES];
	const struct symbolizer symbolizer = {.name = name};
	const struct text_sink sink = {.put = put};
	struct report_options options = {
		.now = MOMENT,
		.command = all,
		.all = all,
		.trace_path = "a.cwtrace",
	};
	struct report_result result;
	uint32_t count = report_processes(view, processes, PROCESSES);

	if (!count || count > PROCESSES)
		return;
	for (uint32_t i = 0; i < count && !all; i++)
		processes[i].life = (enum report_life)(
			trace_process(view, processes[i].extent)->pid % 3);
	report_add_clean(&options.clean, view);
	report_text(processes, count, &options, &symbolizer, &sink, &result);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t unfolded[UNFOLDED];
	size_t used = unfold(bytes, size, unfolded);
	struct trace_view view;
	/* Of its own size: the sanitizer sees the first byte behind it. */
	uint8_t *trace = malloc(used ? used : 1);

	if (!trace)
		return 0;
	memcpy(trace, unfolded, used);
	if (trace_view_open(&view, trace, used) == 0) {
		report(&view, false);
		report(&view, true);
	}
	free(trace);
	return 0;
}

#ifdef REPLAY
static int replay_file(const char *path)
{
	static uint8_t bytes[FOLDED];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	return 1;
}

/* Returns how many files were read, or -1. */
static int replay(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return replay_file(path);
	while (count >= 0 && (entry = readdir(dir))) {
		char below[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		count = replay_file(below) < 0 ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int count = replay(argv[i]);

		if (count < 1)
			return 1;
		printf("%s: %d\n", argv[i], count);
	}
	return argc < 2;
}
#endif
