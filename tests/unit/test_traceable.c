/* SPDX-License-Identifier: MIT */
/* What the run verb takes from a look at a command: warnings, AddressSanitizer's runtime,
 * env's own exit status. */
#include <stdlib.h>
#include <string.h>

#include "tools/script_line.h"
#include "tools/traceable.h"
#include "unit.h"

static char *warnings(const struct traceable_report *report)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	traceable_warn(file, report);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void warns_of_what_is_more_than_a_note(void **state)
{
	struct traceable_report report = {
		.command = "./ser\033ver",
		.verdict = TRACEABLE_PARTLY,
		.findings = {{TRACEABLE_PARTLY, "a Go program"},
			     {TRACEABLE_PARTLY, NULL},
			     {TRACEABLE, "no debug information"}},
		.finding_count = 3,
	};
	char *text = warnings(&report);

	(void)state;
	assert_string_equal(text, "closewait: warning: ./ser?ver: a Go program\n"
				  "closewait: warning: ./ser?ver: out of memory\n");
	free(text);
}

static void status_is_as_env_exits(void **state)
{
	static const struct {
		const char *command;
		int status;
	} cases[] = {{"/no/such/file", 127},
		     {"no-such-command", 127},
		     {"", 127},
		     {"/etc/passwd", 126},
		     {"/etc", 126},
		     {"/bin/sh", 0}};
	struct traceable_report report;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		traceable_look(&report, cases[i].command);
		assert_int_equal(report.exec_status, cases[i].status);
		assert_null(traceable_asan(&report));
		if (cases[i].status)
			assert_int_equal(report.verdict, NOT_TRACEABLE);
		traceable_free(&report);
	}
}

static void env_takes_options_then_assignments_then_the_program(void **state)
{
	static const struct {
		const char *argument, *program;
		bool unsets;
	} cases[] = {
		{"python3", "python3", false},
		{"python3 -u", "python3 -u", false}, /* the kernel gives one word */
		{"-Spython3 -u", "python3", false},
		{"-S -u LD_PRELOAD ruby -i", "ruby", true},
		{"--split-string=A=1 LD_PRELOAD= lua", "lua", true},
		{"-S -C / -- B=2 perl LD_PRELOAD=x", "perl", false},
		{"-S A=1 -i", "-i", false},
		{"-S -i", "", true},
		{"-S -u", "", false},
		{"-i", "", false},
		{"", "", false},
	};
	struct script_line line = {.interpreter = "/usr/bin/env"};
	struct env_line env;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strcpy(line.argument, cases[i].argument);
		assert_true(script_line_env(&line, &env));
		assert_string_equal(env.program, cases[i].program);
		assert_int_equal(env.unsets_preload, cases[i].unsets);
	}
	strcpy(line.interpreter, "/usr/bin/python3");
	assert_false(script_line_env(&line, &env));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warns_of_what_is_more_than_a_note),
		cmocka_unit_test(status_is_as_env_exits),
		cmocka_unit_test(env_takes_options_then_assignments_then_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
