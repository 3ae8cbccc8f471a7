/* SPDX-License-Identifier: MIT */
/* Text that GitHub's runner reads, and text for a terminal. */
#include <stdlib.h>
#include <string.h>

#include "built_example.h"
#include "tools/annotate.h"
#include "tools/colour_sink.h"
#include "tools/github_text.h"
#include "trace/text.h"
#include "unit.h"

static char text[65536];

static void what_ends_a_command_or_a_cell_is_escaped(void **state)
{
	static const struct {
		enum github_place place;
		const char *raw;
		const char *escaped;
	} cases[] = {
		{GITHUB_MESSAGE, "plain: a, b", "plain: a, b"},
		{GITHUB_MESSAGE, "100%", "100%25"},
		{GITHUB_MESSAGE, "%0A", "%250A"},
		{GITHUB_MESSAGE, "a\r\nb", "a%0D%0Ab"},
		{GITHUB_MESSAGE, "a\x1b[31m\t\x7f", "a?[31m??"},
		{GITHUB_MESSAGE, "caf\xc3\xa9", "caf\xc3\xa9"},
		{GITHUB_PROPERTY, "C:/a,b%c", "C%3A/a%2Cb%25c"},
		{GITHUB_PROPERTY, "ns::f(int, char)\n", "ns%3A%3Af(int%2C char)%0A"},
		{GITHUB_CELL, "a|b`c", "a&#124;b&#96;c"},
		{GITHUB_CELL, "a\nb\r", "a?b?"},
		{GITHUB_CELL, "f<int*>(char&)", "f&#60;int&#42;&#62;(char&#38;)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *out = fmemopen(text, sizeof(text), "w");

		assert_non_null(out);
		github_put(out, cases[i].place, cases[i].raw);
		putc('\0', out);
		fclose(out);
		assert_string_equal(text, cases[i].escaped);
	}
}

static void files_are_named_relative_to_the_workspace(void **state)
{
	static const struct {
		const char *path;
		const char *workspace;
		const char *wanted;
	} cases[] = {
		{"/w/src/a.c", "/w", "src/a.c"},
		{"/w/src/a.c", "/w/", "src/a.c"},
		{"/w/b/../src/./a.c", "/w", "src/a.c"},
		{"/w/../x/a.c", "/w", "/x/a.c"},
		{"/web/a.c", "/w", "/web/a.c"},
		{"/w/a.c", NULL, "/w/a.c"},
		{"/w/a.c", "", "/w/a.c"},
		{"/w/a.c", "w", "/w/a.c"},
		{"/w/a.c", "/v/../w", "a.c"},
		{"/w/a.c", "/", "w/a.c"},
		{"/../a.c", NULL, "/a.c"},
		{"../../a.c", "/w", "../../a.c"},
		{"src//net/../a.c", "/w", "src/a.c"},
		{"x/../../a.c", NULL, "../a.c"},
		{"a.c", NULL, "a.c"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char out[64];

		github_path(out, sizeof(out), cases[i].path, cases[i].workspace);
		assert_string_equal(out, cases[i].wanted);
	}
}

static struct findings found(const struct built_trace *trace, struct trace_view *view)
{
	const struct report_options options = {.now = BUILT_NOW};
	struct report_process process = {.view = view, .extent = trace->process};
	struct findings findings;

	*view = built_view(trace);
	assert_int_equal(findings_build(&findings, &process, 1, &options), 0);
	return findings;
}

static void annotate(struct findings *findings, const struct gate *gate)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	assert_int_equal(annotate_github(findings, gate, &example_symbolizer, out), 0);
	putc('\0', out);
	fclose(out);
}

static void failing_groups_are_errors_and_known_ones_warnings(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view;
	struct findings findings = found(&trace, &view);
	struct gate gate = {0};

	(void)state;
	setenv("GITHUB_WORKSPACE", "/src", 1);
	unsetenv("GITHUB_STEP_SUMMARY");
	findings.groups.runs[1].mark = RUN_KNOWN;
	annotate(&findings, &gate);
	assert_int_equal(strncmp(text,
				 "::error file=server.c,line=88,title=closewait%3A "
				 "eof-ignored in read_request::3 sockets, the oldest for "
				 "1m30s: ",
				 90),
			 0);
	assert_non_null(strstr(text, " [2d6fbc5a]\n::warning file=server.c,line=70,"));
	assert_non_null(strstr(text, " [eeca1d52] (known before)\n"));
	gate.max_leaks = 3;
	annotate(&findings, &gate);
	assert_null(strstr(text, "::error"));
	assert_int_equal(gate_names(&gate, "slow-close"), 0);
	annotate(&findings, &gate);
	assert_non_null(strstr(text, "::error file=server.c,line=97,title=closewait%3A "
				     "slow-close in conn_close::1 time: "));
	findings_release(&findings);
	built_trace_free(&trace);
}

static void beyond_ten_there_is_one_notice(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view;
	struct findings findings;
	struct gate gate = {0};
	unsigned errors = 0;
	cw_ref module;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	for (uint64_t i = 0; i < 13; i++) {
		struct cw_socket *socket = build_accepted(
			&trace, build_site(&trace, module, (uint64_t[]){0x201 + i}, 1));

		socket->flags |= CW_SOCKET_EOF;
		socket->eof = BUILT_NOW - 5000000000;
	}
	findings = found(&trace, &view);
	annotate(&findings, &gate);
	for (const char *at = text; (at = strstr(at, "::error")); at++)
		errors++;
	assert_int_equal(errors, ANNOTATIONS_MAX);
	assert_non_null(strstr(text, "::notice title=closewait::3 more findings\n"));
	findings_release(&findings);
	built_trace_free(&trace);
}

static void without_its_colours_the_text_is_the_same(void **state)
{
	static const struct {
		const char *plain;
		const char *coloured;
	} cases[] = {
		{"closewait: LEAK: 1 socket\n",
		 "\033[1;31mclosewait: LEAK: 1 socket\033[0m\n"},
		{"eof-ignored  3 accepted\n", "\033[1meof-ignored\033[0m  3"},
		{"slow-close  1 socket\n", "\033[1mslow-close\033[0m  1"},
		{"  EOF read    f  a.c:1\n", "\033[36m  EOF read    \033[0mf"},
		{"                88 |  n = recv()\n", "\033[2m                88"},
		{"  help: close\n", "\033[1;32m  help: \033[0mclose"},
		{"eof-ignored: not a verdict's line\n", "eof-ignored: not"},
		{"              main  a.c:2\n", "              main"},
		{"\n", "\n"},
		{"no end", "no end"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static struct colour_sink colours;
		const char *plain = cases[i].plain;
		size_t at = 0, wanted = strlen(cases[i].coloured);
		struct text_buffer buffer;
		struct text_sink inner, sink;

		text_buffer_init(&buffer, text, sizeof(text));
		inner = text_buffer_sink(&buffer);
		sink = colour_sink_init(&colours, &inner);
		/* However the text comes in pieces. */
		for (size_t n = 0; n < strlen(plain); n++)
			text_bytes(&sink, plain + n, 1);
		colour_sink_flush(&colours);
		assert_int_equal(strncmp(text, cases[i].coloured, wanted), 0);
		for (const char *c = text; *c; c++) {
			if (*c == '\033')
				c = strchr(c, 'm');
			else
				assert_int_equal(*c, plain[at++]);
		}
		assert_int_equal(plain[at], '\0');
	}
}

static void a_line_of_any_length_comes_through(void **state)
{
	static struct colour_sink colours;
	static char line[10000];
	struct text_buffer buffer;
	struct text_sink inner, sink;

	(void)state;
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	text_buffer_init(&buffer, text, sizeof(text));
	inner = text_buffer_sink(&buffer);
	sink = colour_sink_init(&colours, &inner);
	text_put(&sink, line);
	text_put(&sink, line);
	assert_int_equal(buffer.used, 2 * strlen(line));
	assert_memory_equal(text, line, strlen(line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ends_a_command_or_a_cell_is_escaped),
		cmocka_unit_test(files_are_named_relative_to_the_workspace),
		cmocka_unit_test(failing_groups_are_errors_and_known_ones_warnings),
		cmocka_unit_test(beyond_ten_there_is_one_notice),
		cmocka_unit_test(without_its_colours_the_text_is_the_same),
		cmocka_unit_test(a_line_of_any_length_comes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
