/* SPDX-License-Identifier: MIT */
/* What may be shown of a source file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/source_lines.h"
#include "unit.h"

static char path[] = "/tmp/closewait-source-XXXXXX";

/* The file's bytes from now on. */
static void write_file(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void assert_line(const char *bytes, int line, const char *expected)
{
	struct source_lines *lines = source_lines_new();
	const char *found;

	write_file(bytes, strlen(bytes));
	found = source_line(lines, path, line);
	if (expected)
		assert_string_equal(found, expected);
	else
		assert_null(found);
	source_lines_free(lines);
}

static void lines_are_counted_from_one(void **state)
{
	static const char text[] = "one\n\nthree\r\nfour";

	(void)state;
	assert_line(text, -1, NULL);
	assert_line(text, 0, NULL);
	assert_line(text, 1, "one");
	assert_line(text, 2, "");
	assert_line(text, 3, "three");
	assert_line(text, 4, "four");
	assert_line(text, 5, NULL);
	assert_line("one\n", 2, NULL);
	assert_line("one\n", INT32_MAX, NULL);
}

static void indentation_and_tabs_become_harmless(void **state)
{
	(void)state;
	assert_line("\t  a =\tb;\t /* c */ \t\r\n", 1, "a = b;  /* c */");
	assert_line("\t \t\n", 1, "");
}

static void nothing_can_drive_a_terminal(void **state)
{
	(void)state;
	assert_line("a\x1b[31m\x07\x7f", 1, "a?[31m??");
	assert_line("C1: \xc2\x9b"
		    "31m, as a byte: \x9b",
		    1, "C1: ??31m, as a byte: ?");
	assert_line("turned: \xe2\x80\xae \xe2\x81\xa6", 1, "turned: ??? ???");
	assert_line("cut: \xe2\x82", 1, "cut: ??");
	assert_line("too long a form: \xc0\xaf \xe0\x80\xaf", 1,
		    "too long a form: ?? ???");
	assert_line("kept: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xb2", 1,
		    "kept: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xb2");
}

static void a_long_line_is_cut_between_characters(void **state)
{
	char text[SOURCE_LINE_MAX + 40] = "";
	char expected[SOURCE_LINE_MAX + 1] = "";

	(void)state;
	memset(text, 'x', SOURCE_LINE_MAX - 1);
	memset(expected, 'x', SOURCE_LINE_MAX - 1);
	strcat(text, "\xc3\xa9 and more\n");
	assert_line(text, 1, expected);
	memset(text, 'y', sizeof(text) - 1);
	memset(expected, 'y', SOURCE_LINE_MAX);
	assert_line(text, 1, expected);
}

static void many_files_are_forgotten_and_read_again(void **state)
{
	struct source_lines *lines = source_lines_new();
	char name[64];

	(void)state;
	write_file("one\ntwo\n", 8);
	assert_string_equal(source_line(lines, path, 2), "two");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "/nowhere/%d.c", i);
		assert_null(source_line(lines, name, 1));
	}
	assert_string_equal(source_line(lines, path, 1), "one");
	source_lines_free(lines);
}

static void only_regular_files_of_moderate_size_are_read(void **state)
{
	static const char *const names[] = {"/tmp", "/dev/zero", "/proc/self/status", ""};
	struct source_lines *lines = source_lines_new();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_null(source_line(lines, names[i], 1));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(source_line(lines, path, 1));
	source_lines_free(lines);
	assert_int_equal(unlink(path), 0);
	write_file("one\n", 4);
	assert_int_equal(truncate(path, 64 << 20), 0);
	lines = source_lines_new();
	assert_null(source_line(lines, path, 1));
	source_lines_free(lines);
}

static void newer_is_later_by_a_nanosecond(void **state)
{
	struct source_lines *lines = source_lines_new();
	struct timespec than;
	struct stat status;

	(void)state;
	write_file("one\n", 4);
	assert_int_equal(stat(path, &status), 0);
	than = status.st_mtim;
	assert_false(source_is_newer(lines, path, &than));
	than.tv_nsec--;
	assert_true(source_is_newer(lines, path, &than));
	than = (struct timespec){status.st_mtim.tv_sec + 1, 0};
	assert_false(source_is_newer(lines, path, &than));
	assert_false(source_is_newer(lines, "/nowhere/a.c", &than));
	source_lines_free(lines);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_counted_from_one),
		cmocka_unit_test(indentation_and_tabs_become_harmless),
		cmocka_unit_test(nothing_can_drive_a_terminal),
		cmocka_unit_test(a_long_line_is_cut_between_characters),
		cmocka_unit_test(many_files_are_forgotten_and_read_again),
		cmocka_unit_test(only_regular_files_of_moderate_size_are_read),
		cmocka_unit_test(newer_is_later_by_a_nanosecond),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
