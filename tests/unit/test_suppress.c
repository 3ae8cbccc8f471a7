/* SPDX-License-Identifier: MIT */
/* Patterns, files of them, and what they take out of the findings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "built_example.h"
#include "tools/pattern.h"
#include "tools/suppress.h"
#include "trace/text.h"
#include "unit.h"

static void patterns_match_as_the_sanitizers_do(void **state)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool matches;
	} cases[] = {
		{"read", "conn_read_all", true},
		{"read", "conn_write", false},
		{"^read", "read_all", true},
		{"^read", "conn_read", false},
		{"read$", "conn_read", true},
		{"read$", "read_all", false},
		{"^read$", "read", true},
		{"^read$", "readread", false},
		/* The last of several places may be the right one. */
		{"ab$", "abab", true},
		{"^a*b$", "abab", true},
		{"^a*b*c$", "a-b-b-cc", true},
		{"^a*b*c$", "a-c-b", false},
		{"a*b", "xaxxbx", true},
		{"a*b", "b a", false},
		{"*", "anything", true},
		{"**", "anything", true},
		{"^*$", "anything", true},
		{"*read", "a read", true},
		{"^*read", "a read", true},
		{"read*$", "read", true},
		{"/src/*.c$", "/src/net/conn.c", true},
		{"/src/*.c$", "/src/net/conn.cc", false},
		{"a$b", "xa$bx", true},
		{"a^b", "xa^bx", true},
		{"operator*", "ns::operator*", true},
		{"aaaaaaaaaaaaaaaa*b$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"longer than it", "longer", false},
		{"*", "", false},
		{"*", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
	assert_true(pattern_is_anything("*") && pattern_is_anything("***"));
	assert_false(pattern_is_anything("") || pattern_is_anything("*a"));
}

static char path[64];

static void write_file(const char *text, size_t size)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/closewait-unit-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

/* Loads a file with that text; what is said on standard error goes to `said`. */
static int load(struct suppressions **suppressions, const char *text, size_t size,
		char *said, size_t room)
{
	FILE *kept = stderr;
	int result;

	write_file(text, size);
	stderr = fmemopen(said, room, "w");
	assert_non_null(stderr);
	result = suppressions_load(suppressions, path);
	fclose(stderr);
	stderr = kept;
	unlink(path);
	return result;
}

static void malformed_lines_are_refused_with_their_number(void **state)
{
	static const struct {
		const char *text;
		size_t size;      /* 0: to its NUL */
		const char *said; /* behind the path; NULL: nothing is wrong */
	} cases[] = {
		{"", 0, NULL},
		{"# leek:x\n\n \t \n  # more\n", 0, NULL},
		{"leak:f\r\nslow-close: f \n\teof-spin:f\nid:0123ABcd", 0, NULL},
		{"descriptors-exhausted:*\nopen:f\nhalf-closed:a:b\n", 0, NULL},
		{"leak:f\nfoo\n", 0, ":2: 'foo' is not NAME:PATTERN"},
		{"\n\nleek:f\n", 0, ":3: 'leek:f' begins with none of id, leak, eof-"},
		{"closed:f\n", 0, ":1: 'closed:f' begins with none of "},
		{"leak :f\n", 0, ":1: 'leak :f' begins with none of "},
		{":f\n", 0, ":1: ':f' begins with none of "},
		{"leak:\n", 0, ":1: 'leak:' has no pattern"},
		{"leak:  # none\nleak:^$\n", 0, ":2: 'leak:^$' has no pattern"},
		{"id:3f9a2c1\n", 0, ":1: '3f9a2c1' is no fingerprint"},
		{"id:3f9a2c17a\n", 0, ":1: '3f9a2c17a' is no fingerprint"},
		{"id:0x3f9a2c\n", 0, ":1: '0x3f9a2c' is no fingerprint"},
		{"id:*\n", 0, ":1: '*' is no fingerprint"},
		{"leak:\0f\n", 8, ":1: 'leak:' is followed by a NUL byte"},
		{"l\x1b[31mk:f\n", 0, ":1: 'l?[31mk:f' begins with none of "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct suppressions *suppressions = NULL;
		char said[2048] = "", wanted[256];
		size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
		int result = load(&suppressions, cases[i].text, size, said, sizeof(said));

		suppressions_free(suppressions);
		snprintf(wanted, sizeof(wanted), "closewait: %s%s", path,
			 cases[i].said ? cases[i].said : "");
		assert_int_equal(result, cases[i].said ? -1 : 0);
		if (!cases[i].said)
			assert_string_equal(said, "");
		else if (strncmp(said, wanted, strlen(wanted)) != 0 ||
			 strchr(said, '\n') != said + strlen(said) - 1)
			fail_msg("said: %s instead of: %s", said, wanted);
	}
}

static char text[65536];

/* Applies rules to the example; the report of what is left is in `text`. */
static struct findings report_without(struct built_trace *trace, struct trace_view *view,
				      const char *rules)
{
	const struct report_options options = {.now = BUILT_NOW};
	struct report_process process = {.extent = trace->process};
	struct suppressions *suppressions = NULL;
	struct text_buffer buffer;
	struct text_sink sink;
	struct findings findings;
	char said[2048];

	*view = built_view(trace);
	process.view = view;
	assert_int_equal(load(&suppressions, rules, strlen(rules), said, sizeof(said)),
			 0);
	assert_int_equal(findings_build(&findings, &process, 1, &options), 0);
	suppressions_apply(suppressions, &findings, &example_symbolizer);
	text_buffer_init(&buffer, text, sizeof(text));
	sink = text_buffer_sink(&buffer);
	report_put(&findings, &options, &example_symbolizer, &sink);
	suppressions_put(suppressions, true, &sink);
	suppressions_free(suppressions);
	return findings;
}

/* Of the example: 3 eof-ignored, 1 eof-unread, 1 idle-client, 1 slow-close. */
static void rules_take_out_what_they_name(void **state)
{
	static const struct {
		const char *rules;
		uint64_t leaks, slow, idle;
		const char *said;
	} cases[] = {
		{"", 4, 1, 1, NULL},
		{"leak:nowhere\n", 4, 1, 1, "nothing by leak:nowhere ("},
		{"leak:*\n", 0, 1, 1, "4 sockets by leak:* ("},
		{"leak:serve_conn\n", 1, 1, 1, "3 sockets by leak:serve_conn ("},
		{"leak:^serve$\n", 4, 1, 1, NULL},
		{"leak:_start\n", 0, 1, 1, NULL},
		{"leak:^server.c$\n", 0, 1, 1, NULL},
		{"leak:^/src/server.c$\n", 0, 1, 1, NULL},
		{"leak:^/usr/bin/server$\n", 0, 1, 1, NULL},
		{"leak:^server$\n", 0, 1, 1, NULL},
		{"eof-unread:main\n", 3, 1, 1, "1 socket by eof-unread:main ("},
		{"reset-ignored:*\n", 4, 1, 1, NULL},
		{"idle-client:read_request\n", 4, 1, 0, NULL},
		{"id:2d6fbc5a\n", 1, 1, 1, "3 sockets by id:2d6fbc5a ("},
		{"slow-close:conn_close\n", 4, 0, 1,
		 "1 late close by slow-close:conn_close ("},
		{"slow-close:read_request\n", 4, 1, 1, NULL},
		{"eof-spin:*\n", 4, 1, 1, NULL},
		/* The first rule has it, whatever frame it names. */
		{"leak:main\nleak:serve_conn\n", 0, 1, 1, "4 sockets by leak:main ("},
		{"leak:serve_conn\nleak:main\n", 0, 1, 1, "1 socket by leak:main ("},
		{"leak:*\nslow-close:*\nidle-client:*\n", 0, 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct built_trace trace = build_example();
		struct trace_view view;
		struct findings findings = report_without(&trace, &view, cases[i].rules);
		const struct group_totals *totals = &findings.groups.totals;

		if (totals->leaks != cases[i].leaks ||
		    findings.faults.slow != cases[i].slow ||
		    totals->by_verdict[VERDICT_IDLE_CLIENT] != cases[i].idle ||
		    (cases[i].said && !strstr(text, cases[i].said)))
			fail_msg("%sgave:\n%s", cases[i].rules, text);
		assert_int_equal(!strstr(text, "slow-close  "), !cases[i].slow);
		assert_int_equal(!strstr(text, "idle-client  "), !cases[i].idle);
		assert_int_equal(findings_count(&findings),
				 cases[i].leaks + cases[i].slow);
		findings_release(&findings);
		built_trace_free(&trace);
	}
}

static void what_has_no_stack_is_named_by_a_star_alone(void **state)
{
	static const char *const rules[] = {"descriptors-exhausted:main\n",
					    "descriptors-exhausted:*\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct built_trace trace = build_trace(16);
		struct trace_view view;
		struct findings findings;

		build_process(&trace)->exhausted = 5;
		findings = report_without(&trace, &view, rules[i]);
		assert_int_equal(findings.faults.exhausted, i ? 0 : 5);
		assert_int_equal(!strstr(text, "5 failed calls by"), !i);
		findings_release(&findings);
		built_trace_free(&trace);
	}
}

static void the_process_whose_fault_is_suppressed_is_not_shown(void **state)
{
	struct built_trace trace = build_trace(16);
	struct cw_process *process = build_process(&trace);
	cw_ref module = build_module(&trace, "/usr/bin/server");
	cw_ref site = build_site(&trace, module, (uint64_t[]){0x501}, 1);
	struct trace_view view;
	struct findings findings;

	(void)state;
	process->double_closes = 2;
	process->double_close_earlier = process->double_close_site = site;
	findings = report_without(&trace, &view, "double-close:^conn_close$\n");
	assert_int_equal(findings.faults.double_closes, 0);
	assert_int_equal(findings.speaking, 0);
	assert_non_null(strstr(text, "no leaks"));
	assert_non_null(strstr(text, "suppressed: 2 closes by"));
	findings_release(&findings);
	built_trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_the_sanitizers_do),
		cmocka_unit_test(malformed_lines_are_refused_with_their_number),
		cmocka_unit_test(rules_take_out_what_they_name),
		cmocka_unit_test(what_has_no_stack_is_named_by_a_star_alone),
		cmocka_unit_test(the_process_whose_fault_is_suppressed_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
