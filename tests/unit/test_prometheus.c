/* SPDX-License-Identifier: MIT */
/* The metrics' text: escaping, limits on series, and what promtool says of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/prometheus.h"
#include "unit.h"

static char *text_of(const struct prometheus_page *page)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(prometheus_put(page, file), 0);
	assert_int_equal(fclose(file), 0);
	return text;
}

static size_t count_of(const char *text, const char *wanted)
{
	size_t count = 0;

	for (; (text = strstr(text, wanted)); text += strlen(wanted))
		count++;
	return count;
}

/* promtool reads the format as Prometheus does. */
static void check_with_promtool(const char *text)
{
	FILE *promtool = popen("command -v promtool >/dev/null || exit 127; "
			       "promtool check metrics 2>&1",
			       "w");
	int status;

	assert_non_null(promtool);
	fputs(text, promtool);
	status = pclose(promtool);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 127)
		assert_int_equal(WEXITSTATUS(status), 0);
}

static void values_and_labels(void **state)
{
	const struct prometheus_process processes[] = {
		{.pid = 7,
		 .command = "a\"b\\c\nd\xff",
		 .eof_read = 1,
		 .eof_unread = 2,
		 .detached = 3,
		 .unread_bytes = 4,
		 .oldest_ms = 5006,
		 .descriptors = 8,
		 .limit = 1024},
		{.pid = 8, .command = "", .limit = UINT64_MAX - 1},
		{.pid = 9, .command = "unknown", .limit = UINT64_MAX},
	};
	const struct prometheus_page page = {
		.processes = processes,
		.process_count = 3,
		.scanned = true,
		.hidden_sockets = 11,
		.taken = 1700000000123000000ull,
		.took = 4000000,
	};
	char *text = text_of(&page);

	(void)state;
	/* The bytes that are none of a name became '?'. */
	assert_non_null(strstr(text, "\nclosewait_sockets{command=\"a\\\"b\\\\c?d?\","
				     "pid=\"7\",eof=\"unread\"} 2\n"));
	assert_non_null(strstr(text, "pid=\"7\",eof=\"read\"} 1\n"));
	assert_non_null(strstr(text,
			       "closewait_detached_sockets{command=\"a\\\"b\\\\c?d?\","
			       "pid=\"7\"} 3\n"));
	assert_non_null(strstr(text, ",pid=\"7\"} 5.006\n"));
	assert_non_null(strstr(text, "closewait_max_fds{command=\"\",pid=\"8\"} +Inf\n"));
	assert_null(strstr(text, "closewait_max_fds{command=\"unknown\""));
	assert_non_null(strstr(text, "\nclosewait_hidden_sockets 11\n"));
	assert_non_null(
		strstr(text, "\nclosewait_scan_timestamp_seconds 1700000000.123\n"));
	assert_non_null(strstr(text, "\nclosewait_scan_duration_seconds 0.004\n"));
	assert_null(strstr(text, "closewait_site"));
	check_with_promtool(text);
	free(text);
}

static void processes_beyond_the_limit_are_one_series(void **state)
{
	struct prometheus_process processes[PROMETHEUS_PROCESSES + 3];
	const struct prometheus_page page = {
		.processes = processes,
		.process_count = PROMETHEUS_PROCESSES + 3,
	};
	char *text;

	(void)state;
	for (unsigned i = 0; i < page.process_count; i++)
		processes[i] = (struct prometheus_process){.pid = (pid_t)(1 + i),
							   .command = "server",
							   .eof_unread = 10,
							   .oldest_ms = 1000 * i};
	text = text_of(&page);
	assert_int_equal(count_of(text, "\nclosewait_sockets{"),
			 3 * (PROMETHEUS_PROCESSES + 1));
	assert_non_null(strstr(text, "{command=\"other\",pid=\"\",eof=\"unread\"} 30\n"));
	assert_non_null(strstr(text, "closewait_oldest_age_seconds{command=\"other\","
				     "pid=\"\"} 22.000\n"));
	assert_null(strstr(text, "closewait_max_fds{command=\"other\""));
	check_with_promtool(text);
	free(text);
}

static void sites_beyond_the_limit_are_one_series(void **state)
{
	struct prometheus_site sites[PROMETHEUS_SITES + 2];
	const struct prometheus_page page = {.sites = sites,
					     .site_count = PROMETHEUS_SITES + 2};
	char names[PROMETHEUS_SITES + 2][9], *text;

	(void)state;
	for (unsigned i = 0; i < page.site_count; i++) {
		snprintf(names[i], sizeof(names[i]), "%08x", i);
		sites[i] = (struct prometheus_site){
			.fingerprint = names[i],
			.place = "stuck_server.py:11 in <module>",
			.close_wait = 1,
			.open = 2,
			.opened = 5,
			.closed = 3,
			.oldest_ms = 2500,
		};
	}
	text = text_of(&page);
	assert_non_null(
		strstr(text, "# TYPE closewait_site_opened_sockets_total counter\n"));
	assert_non_null(strstr(
		text, "closewait_site_opened_sockets_total{fingerprint=\"00000000\","
		      "place=\"stuck_server.py:11 in <module>\"} 5\n"));
	assert_non_null(strstr(text,
			       "closewait_site_closed_sockets_total{fingerprint=\"\","
			       "place=\"other\"} 6\n"));
	assert_int_equal(count_of(text, "\nclosewait_site_sockets{"),
			 PROMETHEUS_SITES + 1);
	assert_null(strstr(text, "closewait_open_fds"));
	check_with_promtool(text);
	free(text);
}

/* With nobody to show, the families are there: a dashboard knows them. */
static void scan_that_found_nothing(void **state)
{
	const struct prometheus_page page = {.scanned = true};
	char *text = text_of(&page);

	(void)state;
	assert_non_null(strstr(text, "# TYPE closewait_sockets gauge\n"));
	assert_int_equal(count_of(text, "{"), 0);
	check_with_promtool(text);
	free(text);
}

static void write_error_is_told(void **state)
{
	const struct prometheus_page page = {.scanned = true};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(prometheus_put(&page, full), ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_labels),
		cmocka_unit_test(processes_beyond_the_limit_are_one_series),
		cmocka_unit_test(sites_beyond_the_limit_are_one_series),
		cmocka_unit_test(scan_that_found_nothing),
		cmocka_unit_test(write_error_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
