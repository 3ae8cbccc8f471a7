/* SPDX-License-Identifier: MIT */
/* The kernel's own processes and sockets, changed between a scan's looks. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/scan.h"
#include "unit.h"

#define NOBODY 65534

static struct scan scan;
static struct holder {
	pid_t pid;
	int commands; /* a byte: set what the process then is to do */
	int answers;
	uint64_t inode; /* of the first of its sockets in CLOSE_WAIT */
} holder;

/* A socket in CLOSE_WAIT, by the kernel's word. */
static int close_wait(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	struct tcp_info info = {0};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client, held;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return -1;
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&address, size) < 0)
		return -1;
	held = accept(listener, NULL, NULL);
	close(client);
	close(listener);
	do {
		size = sizeof(info);
		if (getsockopt(held, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
			return -1;
	} while (info.tcpi_state != TCP_CLOSE_WAIT);
	return held;
}

/* In the child: holds `count` sockets, and becomes invisible to other users' at a byte. */
static _Noreturn void hold(int count, int commands, int answers)
{
	uint64_t inode = 0;
	char byte;

	/* Who changes a user id hides; and who has root's among his is not his equal. */
	if (geteuid() != 0 && setresuid(geteuid(), geteuid(), geteuid()) < 0)
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < count; i++) {
		int fd = close_wait();
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			_exit(1);
		inode = inode ? inode : st.st_ino;
	}
	if (write(answers, &inode, sizeof(inode)) < 0 || read(commands, &byte, 1) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0 || write(answers, &byte, 1) < 0)
		_exit(1);
	pause();
	_exit(0);
}

/* `wanted`: the pid that it is to have; 0: any. Returns -1 with errno if it cannot be had. */
static pid_t fork_as(pid_t wanted)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = wanted ? (uint64_t)(uintptr_t)&wanted : 0,
		.set_tid_size = wanted ? 1 : 0,
	};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static int start_holder(int count, pid_t wanted)
{
	int commands[2], answers[2];

	assert_int_equal(pipe2(commands, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	holder.pid = fork_as(wanted);
	if (holder.pid == 0)
		hold(count, commands[0], answers[1]);
	close(commands[0]);
	close(answers[1]);
	holder.commands = commands[1];
	holder.answers = answers[0];
	if (holder.pid < 0)
		return -1;
	assert_int_equal(read(holder.answers, &holder.inode, sizeof(holder.inode)),
			 sizeof(holder.inode));
	return 0;
}

static void end_holder(void)
{
	if (holder.pid > 0) {
		kill(holder.pid, SIGKILL);
		waitpid(holder.pid, NULL, 0);
	}
	close(holder.commands);
	close(holder.answers);
	holder.pid = 0;
}

static int take(void (*step)(void *, enum scan_step, pid_t), pid_t pid)
{
	const struct scan_request request = {1u << TCP_CLOSE_WAIT, 0, pid};
	struct scan_source source = scan_source_kernel;
	int error;

	source.proc = open("/proc", O_RDONLY | O_DIRECTORY);
	source.step = step;
	error = scan_take(&scan, &request, &source);
	close(source.proc);
	return error;
}

static const struct scan_process *found(pid_t pid)
{
	for (size_t i = 0; i < scan.count; i++)
		if (scan.processes[i].pid == pid && scan.processes[i].count)
			return &scan.processes[i];
	return NULL;
}

static int tear_down(void **state)
{
	(void)state;
	scan_free(&scan);
	end_holder();
	return 0;
}

static void holder_is_found(void **state)
{
	const struct scan_process *process;

	(void)state;
	start_holder(2, 0);
	assert_int_equal(take(NULL, 0), 0);
	process = found(holder.pid);
	assert_non_null(process);
	assert_int_equal(process->count, 2);
	assert_int_equal(process->eof[SCAN_EOF_UNREAD], 2);
	scan_free(&scan);
	assert_int_equal(take(NULL, holder.pid), 0);
	assert_int_equal(scan.count, 1);
}

static pid_t ended;

static void end_it(void *context, enum scan_step step, pid_t pid)
{
	(void)context;
	if (step != SCAN_OPENED || pid != holder.pid)
		return;
	ended = pid;
	end_holder();
}

static void process_ends_while_it_is_read(void **state)
{
	(void)state;
	start_holder(2, 0);
	assert_int_equal(take(end_it, 0), 0);
	assert_int_not_equal(ended, 0);
	assert_null(found(ended));
	assert_true(scan.changed >= 1);
}

static int refused; /* errno */

/* Its heir has the number, and a socket of its own. */
static void replace_it(void *context, enum scan_step step, pid_t pid)
{
	(void)context;
	if (step != SCAN_OPENED || pid != holder.pid || ended)
		return;
	ended = pid;
	end_holder();
	refused = start_holder(1, ended) < 0 ? errno : 0;
}

/* The heir may be found, being in the table by now or not; but never with what the first one
 * held. */
static void pid_is_reused_while_it_is_read(void **state)
{
	const struct scan_process *process;
	uint64_t first;

	(void)state;
	ended = 0;
	start_holder(2, 0);
	first = holder.inode;
	assert_int_equal(take(replace_it, 0), 0);
	if (refused == EPERM || refused == ENOSYS || refused == EEXIST)
		skip();
	assert_int_equal(holder.pid, ended);
	assert_true(scan.changed >= 1);
	process = found(ended);
	for (size_t i = 0; process && i < process->count; i++)
		assert_int_not_equal(process->sockets[i].row->inode, first);
	assert_true(!process || process->count < 2);
}

static void hide_it(void *context, enum scan_step step, pid_t pid)
{
	char byte = 0;

	(void)context;
	if (step != SCAN_SOCKET || pid != holder.pid || ended)
		return;
	ended = pid;
	assert_int_equal(write(holder.commands, &byte, 1), 1);
	assert_int_equal(read(holder.answers, &byte, 1), 1);
}

static void permission_is_lost_midway(void **state)
{
	const struct scan_process *process;
	bool root = geteuid() == 0;

	(void)state;
	ended = 0;
	if (root)
		assert_int_equal(setresuid(NOBODY, NOBODY, 0), 0);
	start_holder(3, 0);
	assert_int_equal(take(hide_it, 0), 0);
	if (root)
		assert_int_equal(setresuid(0, 0, 0), 0);
	process = found(holder.pid);
	assert_non_null(process);
	assert_int_equal(process->count, 1);
	assert_true(process->incomplete);
	assert_true(scan.hidden.processes >= 1);
	assert_true(scan.hidden.sockets >= 2);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

/* A sandbox may have neither loopback nor sock_diag: meson knows 77. */
static bool can_be_tested(void)
{
	int fd = close_wait();
	bool can = fd >= 0 && take(NULL, getpid()) == 0;

	scan_free(&scan);
	close(fd);
	return can;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holder_is_found),
		TEST(process_ends_while_it_is_read),
		TEST(pid_is_reused_while_it_is_read),
		TEST(permission_is_lost_midway),
	};

	return can_be_tested() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
