/* SPDX-License-Identifier: MIT */
/* What a look of `closewait run` makes of a socket that it finds no more: it was closed, or the
 * command just died with it. The kernel's table and the file are this test's, the command is a
 * child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/diag.h"
#include "tools/host_process.h"
#include "tools/namespaces.h"
#include "tools/proc_entry.h"
#include "tools/sampler.h"
#include "tools/samples.h"
#include "unit.h"

static struct {
	bool listed;            /* the socket is in the kernel's table, in CLOSE_WAIT */
	int error;              /* what asking for it gives */
	pid_t dies;             /* this child is ended while the table is read; 0: none */
	struct namespace space; /* the only one */
	struct samples_header header; /* as written last */
	struct sample sample;
	struct sampler *sampler;
	pid_t child;
} test;

struct namespaces *namespaces_open(const char *session)
{
	(void)session;
	return (struct namespaces *)&test;
}

void namespaces_close(struct namespaces *namespaces)
{
	(void)namespaces;
}

void namespaces_add(struct namespaces *namespaces, pid_t pid, uint64_t start)
{
	(void)namespaces;
	(void)pid;
	(void)start;
}

void namespaces_refresh(struct namespaces *namespaces)
{
	(void)namespaces;
}

struct namespace *namespaces_at(struct namespaces *namespaces, size_t n)
{
	(void)namespaces;
	return n ? NULL : &test.space;
}

int samples_create(const char *session, const struct samples_header *header)
{
	(void)session;
	test.header = *header;
	return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

int samples_put(int fd, uint32_t index, const struct sample *sample)
{
	(void)fd;
	assert_int_equal(index, 0);
	test.sample = *sample;
	return 0;
}

int samples_put_header(int fd, const struct samples_header *header)
{
	(void)fd;
	test.header = *header;
	return 0;
}

/* Its end is certain when this returns; it is still there to be waited for, as the command is. */
static void end(pid_t child)
{
	siginfo_t info;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
}

int diag_tcp(pid_t pid, uint64_t netns, const struct diag_wanted *wanted,
	     diag_visit *visit, void *context)
{
	static const struct diag_socket socket = {.cookie = 7,
						  .look = {.state = TCP_CLOSE_WAIT}};

	(void)pid;
	(void)netns;
	(void)wanted;
	if (test.dies)
		end(test.dies);
	if (test.listed)
		visit(context, &socket);
	return test.error;
}

int diag_hung_up(pid_t pid, uint64_t netns, diag_visit *visit, void *context)
{
	(void)pid;
	(void)netns;
	(void)visit;
	(void)context;
	return 0;
}

/* A child that lives until it is ended, as `live` has it do so. It has begun to when this
 * returns. */
static pid_t start(void (*live)(int ready))
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* A test that fails goes on without having ended it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		live(ready[1]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void tell(int ready)
{
	if (write(ready, "", 1) != 1)
		_exit(1);
}

static void live_on(int ready)
{
	tell(ready);
	for (;;)
		pause();
}

static void *live_by_a_thread(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!unused)
		pause();
	return NULL;
}

/* Such a process is shown as a zombie, and works. */
static void live_without_main_thread(int ready)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, live_by_a_thread, NULL) != 0)
		_exit(1);
	tell(ready);
	pthread_exit(NULL);
}

static void look(void)
{
	sampler_look(test.sampler);
}

/* The socket was seen once in CLOSE_WAIT, and is listed no more. */
static void begin(void (*live)(int ready))
{
	memset(&test, 0, sizeof(test));
	test.sampler = sampler_open("session", 1000000000);
	assert_non_null(test.sampler);
	test.child = start(live);
	sampler_judge_by(test.sampler, test.child);
	test.listed = true;
	look();
	assert_int_equal(test.sample.cookie, 7);
	assert_true(test.header.last > 0 && test.sample.first == test.header.last);
	assert_int_equal(test.sample.until, 0);
	test.listed = false;
}

static void finish(void)
{
	kill(test.child, SIGKILL);
	assert_int_equal(waitpid(test.child, NULL, 0), test.child);
	sampler_close(test.sampler);
}

static void what_a_living_command_holds_no_more_was_closed(void **state)
{
	uint64_t seen;

	(void)state;
	begin(live_on);
	seen = test.header.last;
	look();
	assert_int_equal(test.sample.until, seen);
	assert_true(test.header.last > seen);
	finish();
}

static void what_went_with_the_command_was_not(void **state)
{
	uint64_t seen;

	(void)state;
	begin(live_on);
	seen = test.header.last;
	end(test.child);
	look();
	assert_int_equal(test.sample.until, 0);
	assert_int_equal(test.header.last, seen);
	finish();
}

static void nor_what_went_as_it_died_during_the_look(void **state)
{
	uint64_t seen;

	(void)state;
	begin(live_on);
	seen = test.header.last;
	test.dies = test.child;
	look();
	assert_int_equal(test.sample.until, 0);
	assert_int_equal(test.header.last, seen);
	finish();
}

static void await_zombie(pid_t pid)
{
	while (host_process_start(pid))
		usleep(1000);
}

static void a_command_without_its_main_thread_lives(void **state)
{
	uint64_t seen;

	(void)state;
	begin(live_without_main_thread);
	await_zombie(test.child);
	assert_false(host_process_ends(test.child));
	seen = test.header.last;
	look();
	assert_int_equal(test.sample.until, seen);
	end(test.child);
	assert_true(host_process_ends(test.child));
	finish();
}

/* A look that could not ask says nothing of what it did not find. */
static void a_look_that_failed_does_not_count(void **state)
{
	uint64_t seen;

	(void)state;
	begin(live_on);
	seen = test.header.last;
	test.error = -ESRCH;
	look();
	assert_int_equal(test.sample.until, 0);
	assert_int_equal(test.header.last, seen);
	test.error = 0;
	look();
	assert_int_equal(test.sample.until, seen);
	finish();
}

/* Nothing holds a process between its last instruction and its zombie: by the text, that is. */
static void a_process_is_at_its_end_before_it_is_a_zombie(void **state)
{
	(void)state;
	assert_false(proc_stat_ends(
		"7 (a) Z (b) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 1"));
	assert_true(proc_stat_ends(
		"7 (a) R (b) R 1 7 7 0 -1 4194564 0 0 0 0 0 0 0 0 20 0 1 0 99 1"));
	assert_true(proc_stat_ends(
		"7 (a) R (b) Z 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 1"));
	assert_true(proc_stat_ends(
		"7 (a) R (b) X 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 1"));
	assert_true(proc_stat_ends("")); /* its number is nobody's any more */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_living_command_holds_no_more_was_closed),
		cmocka_unit_test(what_went_with_the_command_was_not),
		cmocka_unit_test(nor_what_went_as_it_died_during_the_look),
		cmocka_unit_test(a_command_without_its_main_thread_lives),
		cmocka_unit_test(a_look_that_failed_does_not_count),
		cmocka_unit_test(a_process_is_at_its_end_before_it_is_a_zombie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
