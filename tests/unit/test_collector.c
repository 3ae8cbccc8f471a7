/* SPDX-License-Identifier: MIT */
/* One collects at a time, whoever dies over it. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/books_open.h"
#include "preload/clock.h"
#include "preload/collector.h"
#include "preload/extents.h"
#include "preload/proc.h"
#include "unit.h"

#define PROCESSES 4
#define ROUNDS    20000

struct trace_map trace_map;
struct lineage lineage;

static struct {
	_Atomic int inside;
	_Atomic long together, stolen;
} * shared;

/* A zombie is still asked for by its parent, so it is not gone here. */
bool proc_gone(uint32_t pid, uint64_t start_ticks)
{
	(void)start_ticks;
	return kill((pid_t)pid, 0) != 0;
}

static int set_up(void **state)
{
	(void)state;
	trace_map.bytes = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	lineage.pid_ns = 7;
	return trace_map.bytes == MAP_FAILED || (void *)shared == MAP_FAILED;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(shared, 4096);
	return munmap(trace_map.bytes, 1 << 16);
}

static void contend(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (collector_enter(0) == COLLECTOR_BUSY)
			continue;
		shared->together += atomic_fetch_add(&shared->inside, 1) != 0;
		shared->stolen += !collector_is_ours();
		atomic_fetch_sub(&shared->inside, 1);
		collector_leave();
	}
}

static void one_is_inside_at_a_time(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			contend();
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	assert_int_equal(shared->together, 0);
	assert_int_equal(shared->stolen, 0);
}

static void hold_by(pid_t pid, uint64_t since)
{
	trace_collector()->since = since;
	trace_collector()->holder = (uint64_t)pid << 32 | lineage.pid_ns;
}

static void a_living_holder_is_waited_for(void **state)
{
	(void)state;
	hold_by(getppid(), clock_ns());
	assert_int_equal(collector_enter(1), COLLECTOR_BUSY);
	/* Another that waits has just written a time that we do not see yet. */
	hold_by(getppid(), clock_ns() + 1000000000ull);
	assert_int_equal(collector_enter(0), COLLECTOR_BUSY);
}

static void a_dead_holder_is_not(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hold_by(pid, clock_ns());
	assert_int_not_equal(collector_enter(0), COLLECTOR_BUSY);
	assert_true(collector_is_ours());
	collector_leave();
	assert_int_equal(trace_collector()->holder, 0);
}

static void who_takes_longer_than_a_minute_is_given_up(void **state)
{
	(void)state;
	hold_by(getppid(), clock_ns() - 61000000000ull);
	assert_int_not_equal(collector_enter(0), COLLECTOR_BUSY);
	collector_leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_is_inside_at_a_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_living_holder_is_waited_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dead_holder_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_takes_longer_than_a_minute_is_given_up, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
