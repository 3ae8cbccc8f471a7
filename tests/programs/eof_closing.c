/* SPDX-License-Identifier: MIT */
/* Ways of closing, slow ones and such as look so. */
#include <sys/wait.h>

#include "eof_rules.h"
#include "out_of_sight.h"

static void closed_by_fclose(void)
{
	FILE *file = fdopen(peer_closed().server, "r");

	printf("fgets: %s\n", fgets(buffer, sizeof buffer, file) ? buffer : "EOF");
	must(!fclose(file), "fclose");
}

/* libc reads the EOF where no hook sees it; the stream tells. */
static void read_by_stdio_and_kept(void)
{
	FILE *file = fdopen(peer_closed().server, "r");

	printf("fgets: %s\n", fgets(buffer, sizeof buffer, file) ? buffer : "EOF");
}

static void closed_by_syscall(void)
{
	told("syscall", syscall(SYS_close, at_eof()));
}

/* A process for one connection: it works on when the peer has left, closes and exits. */
static void closed_by_a_child_that_worked_on(void)
{
	struct pair pair = pair_open();
	int status;
	pid_t child = fork();

	if (!child) {
		close(pair.client);
		close(pair.listener);
		told("recv", recv(pair.server, buffer, sizeof buffer, 0));
		hold(150);
		_exit(close(pair.server) != 0);
	}
	must(!close(pair.server) && !close(pair.client), "close");
	must(waitpid(child, &status, 0) == child && !status, "the child");
}

static volatile int two = 2; /* for loops that no compiler unrolls: one line, one stack */

/* Both are closed by one line, the second late, and in the last second. */
static void late_where_others_are_closed(void)
{
	for (int i = 0; i < two; i++) {
		int fd = at_eof();

		hold(150 * i);
		must(!close(fd), "close");
	}
}

/* As an interpreter's exit closes what was left, be it connected or at its end. */
static void swept_up_with_the_living(void)
{
	struct pair pairs[2] = {{0}};

	for (int i = 0; i < two; i++)
		pairs[i] = pair_open();
	close(pairs[1].client);
	await_readable(pairs[1].server);
	told("recv", recv(pairs[1].server, buffer, sizeof buffer, 0));
	hold(150);
	for (int i = 0; i < two; i++)
		must(!close(pairs[i].server), "close");
	must(!close(pairs[0].client), "close");
}

static void swept_up_unread(void)
{
	int fd = peer_closed().server;

	hold(150);
	must(!close(fd), "close");
}

static void one_swept_up_and_one_kept(void)
{
	int fds[2];

	for (int i = 0; i < two; i++)
		fds[i] = at_eof();
	hold(150);
	must(!close(fds[1]), "close");
}

/* Slow closes, and what looks like one. */

static void read_late_and_closed(void)
{
	int fd = peer_closed().server;

	hold(150);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
	must(!close(fd), "close");
}

static void old_and_closed_at_once(void)
{
	struct pair pair = pair_open();

	hold(150);
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	must(!close(pair.server), "close");
}

static void idle_in_a_pool_and_closed(void)
{
	struct pair pair = used_by_both();

	close(pair.server);
	await_readable(pair.client);
	hold(150);
	must(!close(pair.client), "close");
}

static void answered_out_of_sight_and_closed(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	hold(150);
	answer_out_of_sight(&pair);
	must(!close(pair.server) && !close(pair.client), "close");
}

static const struct eof_case cases[] = {
	{"closed_by_fclose", closed_by_fclose, "-", 0},
	{"read_by_stdio_and_kept", read_by_stdio_and_kept, "eof-ignored", 1},
	{"closed_by_syscall", closed_by_syscall, "-", 0},
	{"closed_by_a_child_that_worked_on", closed_by_a_child_that_worked_on, "-", 0},
	{"late_where_others_are_closed", late_where_others_are_closed, "-", 0},
	{"swept_up_with_the_living", swept_up_with_the_living, "eof-ignored", 1},
	{"swept_up_unread", swept_up_unread, "eof-unread", 1},
	{"one_swept_up_and_one_kept", one_swept_up_and_one_kept, "eof-ignored", 2},
	{"read_late_and_closed", read_late_and_closed, "-", 0},
	{"old_and_closed_at_once", old_and_closed_at_once, "-", 0},
	{"idle_in_a_pool_and_closed", idle_in_a_pool_and_closed, "-", 0},
	{"answered_out_of_sight_and_closed", answered_out_of_sight_and_closed, "-", 0},
};

const struct eof_cases eof_closing = {cases, sizeof cases / sizeof *cases};
