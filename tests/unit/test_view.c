/* SPDX-License-Identifier: MIT */
/* Reading traces that are damaged, cut, foreign or malicious. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "built_example.h"
#include "unit.h"

static void drop(void *context, const char *bytes, size_t size)
{
	(void)bytes;
	*(size_t *)context += size;
}

/* Everything that is ever done with a trace. */
static void read_whole(const uint8_t *bytes, size_t size)
{
	struct trace_view view;
	size_t put = 0;
	const struct text_sink sink = {drop, &put};
	const struct report_options options = {.now = BUILT_NOW, .all = true};
	struct report_process processes[8];
	struct report_result result;
	uint32_t count;

	if (trace_view_open(&view, bytes, size) < 0)
		return;
	count = report_processes(&view, processes, 8);
	if (count && count <= 8)
		report_text(processes, count, &options, &example_symbolizer, &sink,
			    &result);
}

static void a_file_that_is_empty_or_all_holes_is_told_apart(void **state)
{
	static const uint64_t zeros[1024];
	struct trace_view view;

	(void)state;
	assert_int_equal(trace_view_open(&view, zeros, 0), -ENODATA);
	assert_int_equal(trace_view_open(&view, zeros, sizeof(zeros)), -ENODATA);
}

static void another_file_is_no_trace(void **state)
{
	static const uint64_t elf[1024] = {0x010102464c457full};
	struct trace_view view;

	(void)state;
	assert_int_equal(trace_view_open(&view, elf, sizeof(elf)), -EBADMSG);
	assert_int_equal(trace_view_open(&view, elf, 3), -EBADMSG);
}

static void another_version_or_byte_order_is_refused(void **state)
{
	struct built_trace trace = build_example();
	struct cw_header *header = (void *)trace.bytes;
	struct trace_view view;

	(void)state;
	header->version++;
	assert_int_equal(trace_view_open(&view, trace.bytes, trace.size),
			 -EPROTONOSUPPORT);
	header->version--;
	header->byte_order = __builtin_bswap32(header->byte_order);
	assert_int_equal(trace_view_open(&view, trace.bytes, trace.size),
			 -EPROTONOSUPPORT);
	built_trace_free(&trace);
}

static void a_cut_trace_shows_what_is_whole(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view;

	(void)state;
	assert_int_equal(trace_view_open(&view, trace.bytes, 4 * CW_EXTENT_SIZE + 100),
			 0);
	assert_true(trace_view_truncated(&view));
	assert_int_equal(view.extent_count, 4);
	built_trace_free(&trace);
}

/* Each piece in memory of its own: a sanitizer sees the first byte behind it. */
static void cut_anywhere_it_never_crashes(void **state)
{
	struct built_trace trace = build_example();

	(void)state;
	for (size_t size = 0; size < trace.size; size += 512) {
		uint8_t *piece = aligned_alloc(512, size + 512);

		memcpy(piece, trace.bytes, size);
		piece = realloc(piece, size ? size : 1);
		read_whole(piece, size);
		free(piece);
	}
	built_trace_free(&trace);
}

static bool is_used(const struct built_trace *trace, size_t offset)
{
	const struct trace_view view = built_view(trace);
	uint32_t index = (uint32_t)(offset / CW_EXTENT_SIZE);

	if (index == 0)
		return offset < CW_EXTENT_TABLE_OFFSET + 6 * sizeof(struct cw_extent);
	if (trace_extent(&view, index, NULL) == CW_EXTENT_PROCESS)
		return offset % CW_EXTENT_SIZE < sizeof(struct cw_process);
	return offset % CW_EXTENT_SIZE < trace_extent_used(&view, index);
}

static void no_flipped_bit_makes_it_crash(void **state)
{
	struct built_trace trace = build_example();
	bool *used = calloc(trace.size, sizeof(*used));
	size_t flipped = 0;

	(void)state;
	for (size_t i = 0; i < trace.size; i++)
		used[i] = is_used(&trace, i);
	for (size_t i = 0; i < trace.size; i++) {
		for (int bit = 0; used[i] && bit < 8; bit++) {
			trace.bytes[i] ^= (uint8_t)(1 << bit);
			read_whole(trace.bytes, trace.size);
			trace.bytes[i] ^= (uint8_t)(1 << bit);
			flipped++;
		}
	}
	print_message("%zu bits flipped\n", flipped);
	free(used);
	built_trace_free(&trace);
}

/* Runs of garbage, the same ones every time. */
static void no_garbage_makes_it_crash(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 300; round++) {
		struct built_trace trace = build_example();
		size_t start = sizeof(((struct cw_header *)0)->magic) + 16;

		for (int run = 0; run < 20; run++) {
			size_t at = start + (size_t)random() % (trace.size - start - 64);

			for (int i = 0; i < 64; i++)
				trace.bytes[at + (size_t)i] = (uint8_t)random();
		}
		read_whole(trace.bytes, trace.size);
		built_trace_free(&trace);
	}
}

static void references_into_other_kinds_find_nothing(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	uint32_t count;

	(void)state;
	for (cw_ref ref = 0; ref < trace.size / 8 + 100; ref++) {
		uint32_t index = (uint32_t)((uint64_t)ref * 8 / CW_EXTENT_SIZE);
		enum cw_extent_kind kind = trace_extent(&view, index, NULL);

		if (kind != CW_EXTENT_SOCKETS)
			assert_null(trace_socket(&view, ref));
		if (kind != CW_EXTENT_LOOKS)
			assert_null(trace_look(&view, ref));
		if (kind != CW_EXTENT_STATS)
			assert_null(trace_stats(&view, ref));
		if (kind != CW_EXTENT_HEAP) {
			assert_null(trace_site(&view, ref, &count));
			assert_null(trace_module(&view, ref));
			assert_null(trace_code(&view, ref));
			assert_string_equal(trace_string(&view, ref), "");
		}
	}
	assert_null(trace_socket(&view, UINT32_MAX));
	built_trace_free(&trace);
}

static void a_record_lies_whole_in_its_extent(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	uint32_t count;

	(void)state;
	for (cw_ref ref = 0; ref < trace.size / 8; ref++) {
		size_t room = CW_EXTENT_SIZE - (size_t)ref * 8 % CW_EXTENT_SIZE;

		if (trace_module(&view, ref))
			assert_true(sizeof(struct cw_module) <= room);
		if (trace_code(&view, ref))
			assert_true(sizeof(struct cw_code) <= room);
		if (trace_site(&view, ref, &count))
			assert_true(sizeof(struct cw_site) +
					    count * sizeof(struct cw_frame) <=
				    room);
	}
	built_trace_free(&trace);
}

static void no_more_of_an_extent_is_used_than_there_is(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	struct cw_extent *table = (void *)(trace.bytes + CW_EXTENT_TABLE_OFFSET);

	(void)state;
	table[2].used = UINT32_MAX;
	assert_int_equal(trace_extent_used(&view, 2), CW_EXTENT_SIZE);
	assert_int_equal(trace_extent_used(&view, 6), 0);
	built_trace_free(&trace);
}

static void text_without_an_end_is_cut_at_its_field(void **state)
{
	struct built_trace trace = build_example();
	struct cw_header *header = (void *)trace.bytes;
	size_t start = offsetof(struct cw_header, library_version);

	(void)state;
	memset(trace.bytes + start, 'x', sizeof(*header) - start);
	read_whole(trace.bytes, trace.size);
	memset(header->notes, '\n', sizeof(header->notes));
	read_whole(trace.bytes, trace.size);
	built_trace_free(&trace);
}

static void a_site_has_no_more_frames_than_its_extent(void **state)
{
	struct built_trace trace = build_trace(8);
	const uint64_t offsets[1] = {0};
	struct trace_view view;
	struct cw_site *site;
	uint32_t count;
	cw_ref ref;

	(void)state;
	build_process(&trace);
	ref = build_site(&trace, 0, offsets, 1);
	view = built_view(&trace);
	/* Moved to where two frames fit before the extent's end. */
	ref += (CW_EXTENT_SIZE - sizeof(*site) - 2 * sizeof(struct cw_frame)) / 8;
	site = (void *)(trace.bytes + (size_t)ref * 8);
	site->count = 60000;
	assert_non_null(trace_site(&view, ref, &count));
	assert_int_equal(count, 2);
	built_trace_free(&trace);
}

static void a_string_ends_within_its_extent(void **state)
{
	struct built_trace trace = build_trace(8);
	struct trace_view view;
	struct cw_string *string;
	cw_ref ref;

	(void)state;
	build_process(&trace);
	ref = build_string(&trace, "here");
	view = built_view(&trace);
	string = (void *)(trace.bytes + (size_t)ref * 8);
	assert_string_equal(trace_string(&view, ref), "here");
	string->size = 3;
	assert_string_equal(trace_string(&view, ref), "");
	string->size = UINT32_MAX;
	assert_string_equal(trace_string(&view, ref), "");
	built_trace_free(&trace);
}

static void a_string_is_no_longer_than_a_path(void **state)
{
	struct built_trace trace = build_trace(8);
	static char longest[PATH_MAX + 1];
	struct trace_view view;
	size_t size;

	(void)state;
	build_process(&trace);
	view = built_view(&trace);
	memset(longest, 'a', PATH_MAX);
	assert_string_equal(trace_string(&view, build_string(&trace, longest)), "");
	longest[PATH_MAX - 1] = '\0';
	assert_string_equal(trace_string(&view, build_string(&trace, longest)), longest);
	assert_non_null(trace_bytes(&view, build_string(&trace, longest), &size));
	assert_int_equal(size, PATH_MAX - 1);
	assert_null(trace_bytes(&view, 1, &size));
	assert_int_equal(size, 0);
	built_trace_free(&trace);
}

static void a_reused_record_is_not_copied(void **state)
{
	struct built_trace trace = build_trace(8);
	struct cw_socket *socket;
	struct cw_socket copy;
	struct trace_view view;

	(void)state;
	build_process(&trace);
	socket = build_socket(&trace);
	view = built_view(&trace);
	assert_true(trace_socket_copy(&view, built_ref(&trace, socket), &copy));
	socket->word = 2ull << 32; /* let go, nobody has it yet */
	assert_false(trace_socket_copy(&view, built_ref(&trace, socket), &copy));
	built_trace_free(&trace);
}

static void what_lies_beside_a_reused_record_is_not_copied(void **state)
{
	struct built_trace trace = build_trace(8);
	struct cw_socket *socket;
	struct cw_aside *aside;
	struct cw_aside copy;
	struct cw_socket elsewhere;
	struct trace_view view;

	(void)state;
	build_process(&trace);
	socket = build_socket(&trace);
	view = built_view(&trace);
	trace_aside_copy(&view, socket, &copy);
	assert_int_equal(copy.reset_site, 0);
	aside = build_aside(&trace, socket);
	aside->reset_site = 77;
	trace_aside_copy(&view, socket, &copy);
	assert_int_equal(copy.reset_site, 77);
	elsewhere = *socket;
	elsewhere.aside = built_ref(&trace, socket); /* of another kind */
	trace_aside_copy(&view, &elsewhere, &copy);
	assert_int_equal(copy.reset_site, 0);
	elsewhere.aside = socket->aside + 1;
	trace_aside_copy(&view, &elsewhere, &copy);
	assert_int_equal(copy.reset_site, 0);
	aside->generation++;
	trace_aside_copy(&view, socket, &copy);
	assert_int_equal(copy.reset_site, 0);
	built_trace_free(&trace);
}

static void the_word_of_an_heir_is_of_one_generation(void **state)
{
	struct cw_socket socket = {.word = 0x12345ull << 32 | 1};

	(void)state;
	socket.heirs = cw_heirs_word(0x12345, 4194303);
	assert_int_equal(cw_heir_closed(&socket), 4194303);
	socket.heirs = cw_heirs_word(0x12345, CW_NO_HEIR);
	assert_int_equal(cw_heir_closed(&socket), 0);
	socket.heirs = cw_heirs_word(0x12346, 4194303);
	assert_int_equal(cw_heir_closed(&socket), 0);
	socket.heirs = 0;
	assert_int_equal(cw_heir_closed(&socket), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_empty_or_all_holes_is_told_apart),
		cmocka_unit_test(another_file_is_no_trace),
		cmocka_unit_test(another_version_or_byte_order_is_refused),
		cmocka_unit_test(a_cut_trace_shows_what_is_whole),
		cmocka_unit_test(cut_anywhere_it_never_crashes),
		cmocka_unit_test(no_flipped_bit_makes_it_crash),
		cmocka_unit_test(no_garbage_makes_it_crash),
		cmocka_unit_test(references_into_other_kinds_find_nothing),
		cmocka_unit_test(a_record_lies_whole_in_its_extent),
		cmocka_unit_test(no_more_of_an_extent_is_used_than_there_is),
		cmocka_unit_test(text_without_an_end_is_cut_at_its_field),
		cmocka_unit_test(a_site_has_no_more_frames_than_its_extent),
		cmocka_unit_test(a_string_ends_within_its_extent),
		cmocka_unit_test(a_string_is_no_longer_than_a_path),
		cmocka_unit_test(a_reused_record_is_not_copied),
		cmocka_unit_test(what_lies_beside_a_reused_record_is_not_copied),
		cmocka_unit_test(the_word_of_an_heir_is_of_one_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
