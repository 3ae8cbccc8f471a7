/* SPDX-License-Identifier: MIT */
/* What fork children leave of stacks, for whoever dies over it: real processes, which share the
 * trace's memory, and a fake stack. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/books.h"
#include "preload/extents.h"
#include "preload/learned.h"
#include "preload/modules.h"
#include "preload/proc.h"
#include "unit.h"

#define PARENT 1u /* extents of the process records */
#define CHILD  2u
#define SLOTS  3 /* as learned.c has them */

struct trace_map trace_map;

static struct books here = {.extent = PARENT};
static int stops = -1; /* in a child: it says there that it writes, and goes no further */

/* Asked for in the midst of writing, and of taking over. */
uint32_t modules_unloads(void)
{
	while (stops >= 0) {
		if (write(stops, "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	return 0;
}

const struct module *modules_find(uintptr_t address)
{
	(void)address;
	return NULL;
}

uintptr_t known_total(const struct known_log *log)
{
	(void)log;
	return 4096;
}

bool known_is_relative(const struct known_log *log, uintptr_t value)
{
	(void)log;
	(void)value;
	return false;
}

bool known_place(struct known_log *log, uintptr_t total)
{
	(void)log;
	return total == 4096;
}

/* A zombie may be its parent's to ask for; so is what has no number any more. */
bool proc_gone(uint32_t pid, uint64_t start_ticks)
{
	assert_int_equal(start_ticks, 0);
	return kill((pid_t)pid, 0) != 0;
}

static struct cw_process *process_at(uint32_t extent)
{
	return extent_bytes(extent);
}

static int begin(void **state)
{
	(void)state;
	memset(trace_map.bytes, 0, trace_map.size);
	process_at(PARENT)->pid = (uint32_t)getpid();
	process_at(PARENT)->pid_ns = 7;
	here.process = process_at(PARENT);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	trace_map.size = 3 * CW_EXTENT_SIZE;
	trace_map.bytes = mmap(NULL, trace_map.size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return trace_map.bytes == MAP_FAILED;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(trace_map.bytes, trace_map.size);
}

/* In a child of that pid namespace: leaves a stack of one frame. */
static void tell(uint64_t pc, uint32_t pid_ns)
{
	struct stack stack = {.count = 1, .pcs = {pc}};
	struct known_log log = {.frame = {.caller = pc}};
	struct cw_process *p = process_at(CHILD);
	struct books own = {.extent = CHILD, .process = p};

	p->parent = PARENT;
	p->pid = (uint32_t)getpid();
	p->pid_ns = pid_ns;
	learned_tell(&own, &stack, &log);
}

static pid_t fork_one(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves it */
	return pid;
}

static void child_tells(uint64_t pc)
{
	pid_t pid = fork_one();
	int status;

	if (!pid) {
		tell(pc, 7);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* It is in the midst of it when this returns. */
static pid_t child_begins_to_tell(uint32_t pid_ns)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork_one();
	if (!pid) {
		stops = ends[1];
		tell(1, pid_ns);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void kill_it(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What the parent learns as it forks: the sum of the frames, how many in *count. */
static uint64_t learned(unsigned *count)
{
	struct stack stack;
	struct known_log log;
	unsigned next = 0;
	uint64_t sum = 0;
	char thread[16];

	for (*count = 0; learned_next(&here, &next, &stack, &log, thread); ++*count) {
		assert_int_equal(stack.count, 1);
		assert_true(log.frame.caller == stack.pcs[0]);
		sum += stack.pcs[0];
	}
	return sum;
}

static void assert_learned(uint64_t wanted, unsigned times)
{
	unsigned count;

	assert_int_equal(learned(&count), wanted);
	assert_int_equal(count, times);
}

static void what_a_child_left_is_learned_once(void **state)
{
	(void)state;
	child_tells(10);
	child_tells(20);
	assert_learned(30, 2);
	assert_learned(0, 0);
}

static void there_is_room_for_so_many(void **state)
{
	(void)state;
	for (int i = 0; i < SLOTS + 1; i++)
		child_tells(10);
	assert_learned(10 * SLOTS, SLOTS);
}

static void who_was_killed_over_it_blocks_nothing_from_the_next_fork_on(void **state)
{
	(void)state;
	for (int i = 0; i < SLOTS; i++)
		kill_it(child_begins_to_tell(7));
	child_tells(10);
	assert_learned(0, 0); /* nor is what they had begun ever learned */
	for (int i = 0; i < SLOTS; i++)
		child_tells(10);
	assert_learned(10 * SLOTS, SLOTS);
}

static void who_is_at_it_is_left_to_it(void **state)
{
	pid_t slow[SLOTS];

	(void)state;
	for (int i = 0; i < SLOTS; i++) {
		slow[i] = child_begins_to_tell(7);
		kill(slow[i], SIGSTOP);
		assert_int_equal(waitpid(slow[i], NULL, WUNTRACED), slow[i]);
	}
	assert_learned(0, 0);
	child_tells(10);
	assert_learned(0, 0);
	for (int i = 0; i < SLOTS; i++)
		kill_it(slow[i]);
}

/* Its number says nothing here: nobody has it, and yet it may live. */
static void of_another_namespace_nothing_is_known(void **state)
{
	(void)state;
	for (int i = 0; i < SLOTS; i++)
		kill_it(child_begins_to_tell(8));
	assert_learned(0, 0);
	child_tells(10);
	assert_learned(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_a_child_left_is_learned_once, begin),
		cmocka_unit_test_setup(there_is_room_for_so_many, begin),
		cmocka_unit_test_setup(
			who_was_killed_over_it_blocks_nothing_from_the_next_fork_on,
			begin),
		cmocka_unit_test_setup(who_is_at_it_is_left_to_it, begin),
		cmocka_unit_test_setup(of_another_namespace_nothing_is_known, begin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
