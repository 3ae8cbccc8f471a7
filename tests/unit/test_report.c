/* SPDX-License-Identifier: MIT */
/* What the user reads of a known trace. */
#include <stdio.h>
#include <string.h>

#include "built_example.h"
#include "trace/text.h"
#include "unit.h"

static char text[65536];

static enum report_life life;

static struct report_result put_named(const struct built_trace *trace,
				      struct report_options options,
				      const struct symbolizer *symbolizer)
{
	struct trace_view view = built_view(trace);
	struct report_process processes[8];
	uint32_t count = report_processes(&view, processes, 8);
	struct text_buffer buffer;
	struct text_sink sink;
	struct report_result result;

	text_buffer_init(&buffer, text, sizeof(text));
	sink = text_buffer_sink(&buffer);
	if (!options.now)
		options.now = BUILT_NOW;
	for (uint32_t i = 0; i < count; i++)
		processes[i].life = life;
	report_add_clean(&options.clean, &view);
	assert_int_equal(
		report_text(processes, count, &options, symbolizer, &sink, &result), 0);
	assert_false(buffer.cut);
	return result;
}

static struct report_result put(const struct built_trace *trace,
				struct report_options options)
{
	return put_named(trace, options, &example_symbolizer);
}

static void assert_has(const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin:\n%s", part, text);
}

static void assert_has_not(const char *part)
{
	if (strstr(text, part))
		fail_msg("should not be there: %s\nin:\n%s", part, text);
}

/* expected_report.txt: what stands there is what users get; change it knowingly. */
static const char *expected_report(void)
{
	static char expected[sizeof(text)];
	FILE *file = fopen(EXPECTED_REPORT, "re");
	size_t size;

	assert_non_null(file);
	size = fread(expected, 1, sizeof(expected) - 1, file);
	fclose(file);
	expected[size] = '\0';
	return expected;
}

static void the_report_of_the_example(void **state)
{
	struct built_trace trace = build_example();
	struct report_result result =
		put(&trace, (struct report_options){.trace_path = "/run/6120.0.cwtrace"});

	(void)state;
	if (strcmp(text, expected_report()) != 0) {
		fputs(text, stdout);
		fail_msg("the report above is not that of expected_report.txt");
	}
	assert_int_equal(result.leaks, 4);
	assert_int_equal(result.findings, 5);
	built_trace_free(&trace);
}

static void nothing_is_put_where_there_is_nothing_to_report(void **state)
{
	struct built_trace trace = build_forked_example(false);
	struct report_result result =
		put(&trace, (struct report_options){.only_findings = true});

	(void)state;
	assert_string_equal(text, "");
	assert_int_equal(result.findings, 0);
	built_trace_free(&trace);
}

static void clean_processes_are_one_line(void **state)
{
	struct built_trace trace = build_forked_example(false);

	(void)state;
	put(&trace, (struct report_options){0});
	assert_string_equal(text, "closewait: no leaks: 153 opened, 153 closed, 2 "
				  "processes.  ./server -p 8080\n");
	built_trace_free(&trace);
}

static void the_process_with_findings_is_named(void **state)
{
	struct built_trace trace = build_forked_example(true);
	struct report_result result = put(&trace, (struct report_options){0});

	(void)state;
	assert_int_equal(result.leaks, 4);
	assert_has("pid 6121 (forked from 6120)");
	assert_has("sockets opened in 2 processes: ");
	built_trace_free(&trace);
}

static void a_killed_process_is_judged_at_its_last_sign_of_life(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	struct cw_process *process =
		(void *)(uintptr_t)trace_process(&view, trace.process);

	(void)state;
	process->state = CW_PROCESS_LIVE;
	process->ended = 0;
	process->looked = 0;
	process->last_event = BUILT_NOW - 1000000000;
	for (cw_ref ref = 0; ref < trace.size / 8; ref++) {
		struct cw_socket *socket = (void *)(uintptr_t)trace_socket(&view, ref);

		if (socket)
			socket->look = 0;
	}
	life = REPORT_LIFE_KILLED;
	put(&trace, (struct report_options){.now = 10 * BUILT_NOW});
	life = REPORT_LIFE_ENDING;
	assert_has("ended without a word: SIGKILL, most likely");
	assert_has("unknown  1 accepted socket: open when the process was killed");
	assert_has("eof-ignored  3 accepted sockets");
	assert_has("oldest at least 1m29s");
	assert_has("The kernel was not asked");
	built_trace_free(&trace);
}

static void all_hides_no_socket_and_no_frame(void **state)
{
	struct built_trace trace = build_example();

	(void)state;
	put(&trace, (struct report_options){.all = true, .trace_path = "x"});
	assert_has("_start");
	assert_has_not("more from");
	built_trace_free(&trace);
}

static void the_fingerprint_knows_no_lines(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	char before[9];

	(void)state;
	put(&trace, (struct report_options){0});
	memcpy(before, strstr(text, "   [") + 4, 8);
	before[8] = '\0';
	/* Every call moves by three lines. */
	for (cw_ref ref = 0; ref < trace.size / 8; ref++) {
		uint32_t count;
		struct cw_site *site = (void *)(uintptr_t)trace_site(&view, ref, &count);

		if (site && site->count == 3 && site->frames[2].offset == 0x600 + 34)
			site->frames[0].offset += 3;
	}
	put(&trace, (struct report_options){0});
	assert_has(before);
	built_trace_free(&trace);
}

static struct cw_site *site_of(const struct trace_view *view, cw_ref ref)
{
	uint32_t count;

	return (void *)(uintptr_t)trace_site(view, ref, &count);
}

/* The innermost frame of every stack is then in this module. */
static void enter_through(struct built_trace *trace, const char *path)
{
	struct trace_view view = built_view(trace);
	cw_ref module = build_module(trace, path);

	for (cw_ref ref = 0; ref < trace->size / 8; ref++) {
		struct cw_site *site = site_of(&view, ref);

		if (site && site->count == 3 && site->frames[2].offset == 0x600 + 34)
			site->frames[0].module = module;
	}
}

static void frames_of_libc_at_the_inner_end_are_left_out(void **state)
{
	static const char *const paths[] = {
		"/usr/lib/closewait/libclosewait.so",
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib/libc-2.31.so",
		"/lib/libpthread-2.31.so",
		"/lib64/ld-linux-x86-64.so.2",
	};
	char fingerprint[9] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct built_trace trace = build_example();

		enter_through(&trace, paths[i]);
		put(&trace, (struct report_options){0});
		assert_has("  EOF read    serve_conn      server.c:60\n");
		assert_has("  opened      main            server.c:60\n");
		assert_has(" a path after server.c:60 that skips serve_conn\n");
		assert_has("     150  serve_conn server.c:60\n");
		if (!*fingerprint)
			memcpy(fingerprint, strstr(text, "   [") + 4, 8);
		assert_has(fingerprint);
		put(&trace, (struct report_options){.all = true});
		assert_has("  EOF read    read_request ");
		built_trace_free(&trace);
	}
}

static void a_stack_that_is_all_libc_stays_as_it_is(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);

	(void)state;
	for (cw_ref ref = 0; ref < trace.size / 8; ref++) {
		struct cw_module *module = (void *)(uintptr_t)trace_module(&view, ref);

		if (module &&
		    strcmp(trace_string(&view, module->path), "/usr/bin/server") == 0)
			module->path = build_string(&trace, "/lib/libc.so.6");
	}
	put(&trace, (struct report_options){0});
	assert_has("  EOF read    read_request ");
	built_trace_free(&trace);
}

/* A server of Python's whose line moves, and the fingerprint that must not. */
static void put_python_server(const char *file, uint64_t line, bool native, char *print)
{
	struct built_trace trace = build_trace(8);
	cw_ref code, below, site;
	struct cw_socket *socket;

	build_process(&trace);
	code = build_code(&trace, file, "Server.serve");
	below = build_site(&trace, build_module(&trace, "/usr/bin/python3.11"),
			   (const uint64_t[]){0x600}, 1);
	site = build_python_site(&trace, code, &line, 1, below);
	socket = build_accepted(&trace, site);
	build_tcp_look(&trace, socket, 8 /* CLOSE_WAIT */, 5000);
	put(&trace, (struct report_options){.native = native});
	assert_has("   [");
	memcpy(print, strstr(text, "   [") + 4, 8);
	built_trace_free(&trace);
}

static void python_frames_are_file_line_and_function(void **state)
{
	char first[9] = "", moved[9] = "", other[9] = "";

	(void)state;
	put_python_server("srv/app.py", 11, false, first);
	assert_has("  opened      app.py:11 in Server.serve\n");
	assert_null(strstr(text, "conn_close"));
	assert_has("with conn:");
	put_python_server("srv/app.py", 11, true, other);
	assert_has("              conn_close ");
	put_python_server("/opt/other/app.py", 12, false, moved);
	assert_has("  opened      app.py:12 in Server.serve\n");
	assert_string_equal(first, moved);
	assert_string_equal(first, other);
	put_python_server("srv/main.py", 11, false, other);
	assert_string_not_equal(first, other);
}

/* get_byte() is inlined in read_request(). */
static int with_inlined(void *context, const struct trace_view *view,
			const struct cw_module *module, uint64_t pc, struct symbol *out,
			int max)
{
	int count = example_symbolizer.name(context, view, module, pc, out, 1);

	if (count < 1 || max < 2 || strcmp(out[0].function, "read_request") != 0)
		return count;
	out[1] = out[0];
	out[0] = (struct symbol){.function = "get_byte",
				 .file = "/src/bytes.h",
				 .line = 7,
				 .inlined_into = "read_request"};
	return 2;
}

static void inlined_functions_are_frames_of_their_own(void **state)
{
	const struct symbolizer symbolizer = {.name = with_inlined};
	struct built_trace trace = build_example();
	char fingerprint[9] = "";

	(void)state;
	put(&trace, (struct report_options){0});
	memcpy(fingerprint, strstr(text, "   [") + 4, 8);
	put_named(&trace, (struct report_options){0}, &symbolizer);
	assert_has(
		"  EOF read    get_byte        bytes.h:7   (inlined into read_request)\n"
		"              read_request    server.c:88\n");
	assert_has("a path after bytes.h:7 that skips conn_close\n");
	assert_has(
		"in get_byte bytes.h:7 <- read_request server.c:70 <- main server.c:60\n");
	assert_has(fingerprint);
	built_trace_free(&trace);
}

static int demangled(void *context, const struct trace_view *view,
		     const struct cw_module *module, uint64_t pc, struct symbol *out,
		     int max)
{
	int count = example_symbolizer.name(context, view, module, pc, out, max);

	if (count > 0) {
		out->raw = out->function;
		out->function = "ns::f(std::vector<int, std::allocator<int> >)";
	}
	return count;
}

static void the_fingerprint_does_not_depend_on_demangling(void **state)
{
	const struct symbolizer symbolizer = {.name = demangled};
	struct built_trace trace = build_example();
	char fingerprint[9] = "";

	(void)state;
	put(&trace, (struct report_options){.all = true});
	memcpy(fingerprint, strstr(text, "   [") + 4, 8);
	put_named(&trace, (struct report_options){.all = true}, &symbolizer);
	assert_has("ns::f(std::vector<int, std::allocator<int> >)");
	assert_has(fingerprint);
	built_trace_free(&trace);
}

static const char *source(void *context, const struct cw_module *module, const char *file,
			  int line)
{
	(void)context;
	assert_non_null(module);
	assert_string_equal(file, "/src/server.c");
	return line == 88 ? "n = recv(c->fd, 0);" : line == 61 ? "a\x1b[31mb" : NULL;
}

static void the_first_frame_shows_its_source(void **state)
{
	struct symbolizer symbolizer = example_symbolizer;
	struct built_trace trace = build_example();

	(void)state;
	symbolizer.source = source;
	put_named(&trace, (struct report_options){0}, &symbolizer);
	assert_has("  EOF read    read_request    server.c:88\n"
		   "                88 |  n = recv(c->fd, 0);\n"
		   "              serve_conn      server.c:60\n");
	assert_has("                61 |  a?[31mb\n"
		   "              main            server.c:60\n");
	assert_has("  first read  read_request    server.c:70\n"
		   "              main            server.c:60\n");
	built_trace_free(&trace);
}

static void a_result_that_no_call_returns_is_no_trap(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);

	(void)state;
	for (cw_ref ref = 0; ref < trace.size / 8; ref++) {
		struct cw_socket *socket = (void *)(uintptr_t)trace_socket(&view, ref);

		if (socket)
			socket->last_result = INT32_MIN;
	}
	put(&trace, (struct report_options){0});
	assert_has("a read that failed: ");
	built_trace_free(&trace);
}

static void what_runs_is_called_running(void **state)
{
	struct built_trace trace = build_example();
	struct trace_view view = built_view(&trace);
	struct cw_process *process =
		(void *)(uintptr_t)trace_process(&view, trace.process);

	(void)state;
	process->state = CW_PROCESS_LIVE;
	process->ended = 0;
	life = REPORT_LIFE_ALIVE;
	put(&trace, (struct report_options){0});
	life = REPORT_LIFE_ENDING;
	assert_has(", running\n");
	assert_has("ago; no call has learned of it");
	built_trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report_of_the_example),
		cmocka_unit_test(nothing_is_put_where_there_is_nothing_to_report),
		cmocka_unit_test(clean_processes_are_one_line),
		cmocka_unit_test(the_process_with_findings_is_named),
		cmocka_unit_test(a_killed_process_is_judged_at_its_last_sign_of_life),
		cmocka_unit_test(all_hides_no_socket_and_no_frame),
		cmocka_unit_test(the_fingerprint_knows_no_lines),
		cmocka_unit_test(frames_of_libc_at_the_inner_end_are_left_out),
		cmocka_unit_test(a_stack_that_is_all_libc_stays_as_it_is),
		cmocka_unit_test(python_frames_are_file_line_and_function),
		cmocka_unit_test(inlined_functions_are_frames_of_their_own),
		cmocka_unit_test(the_fingerprint_does_not_depend_on_demangling),
		cmocka_unit_test(the_first_frame_shows_its_source),
		cmocka_unit_test(a_result_that_no_call_returns_is_no_trap),
		cmocka_unit_test(what_runs_is_called_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
