/* SPDX-License-Identifier: MIT */
/*
 * Reads EOF, then closes the connection in the way that is asked for; or seems to close
 * it and does not. Returns from main.
 *
 * Usage: closes HOLD_MS WAY, or closes list
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>

#include "loopback.h"

static void by_close(int fd)
{
	must(!close(fd), "close");
}

static void by_syscall(int fd)
{
	must(!syscall(SYS_close, fd), "syscall");
}

static void by_close_range(int fd)
{
	must(!close_range((unsigned)fd, (unsigned)fd, 0), "close_range");
}

static void by_closefrom(int fd)
{
	closefrom(fd);
}

static void by_dup2(int fd)
{
	int other = open("/dev/null", O_RDWR);

	must(dup2(other, fd) == fd, "dup2");
}

static void by_dup3(int fd)
{
	int other = open("/dev/null", O_RDWR);

	must(dup3(other, fd, O_CLOEXEC) == fd, "dup3");
}

static void by_fclose(int fd)
{
	must(!fclose(fdopen(fd, "r+")), "fclose");
}

static void by_shutdown_and_close(int fd)
{
	shutdown(fd, SHUT_RDWR);
	must(!close(fd), "close");
}

static void by_closing_each_dup(int fd)
{
	int second = dup(fd), third = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	must(!close(second) && !close(fd) && !close(third), "close");
}

static void by_moving_then_close(int fd)
{
	must(dup2(fd, 200) == 200, "dup2");
	must(!close(fd), "close");
	must(!close(200), "close");
}

static void twice(int fd)
{
	must(!close(fd), "close");
	must(close(fd) < 0, "the second close");
}

static int socket_after(int fd)
{
	int other;

	while ((other = socket(AF_INET, SOCK_STREAM, 0)) < fd)
		must(other >= 0, "socket");
	must(other == fd + 1, "the next number");
	return other;
}

/* The next number is closed for the first time. */
static void twice_then_the_next(int fd)
{
	int next = socket_after(fd);

	must(!close(fd), "close");
	must(close(fd) < 0, "the second close");
	must(!close(next), "close");
}

static void both_twice(int fd)
{
	int next = socket_after(fd);

	must(!close(fd) && !close(next), "close");
	must(close(fd) < 0 && close(next) < 0, "the second close");
}

/* It is the file that is closed twice. */
static void twice_with_a_file_between(int fd)
{
	must(!close(fd), "close");
	must(dup2(STDIN_FILENO, fd) == fd && !close(fd), "a file");
	must(close(fd) < 0, "the second close");
}

static void twice_with_a_range_between(int fd)
{
	must(!close(fd), "close");
	must(dup2(STDIN_FILENO, fd) == fd, "a file");
	must(!close_range((unsigned)fd, (unsigned)fd + 1, 0), "close_range");
	must(close(fd) < 0, "the second close");
}

static void twice_after_a_sweep(int fd)
{
	int other;

	must(!close(fd), "close");
	for (int i = 3; i < 64; i++)
		close(i);
	other = socket(AF_INET, SOCK_STREAM, 0);
	must(!close(other), "close");
	must(close(other) < 0, "the second close");
}

static void with_everything_else(int fd)
{
	must(!close(fd), "close");
	for (int round = 0; round < 2; round++)
		for (int i = 3; i < 64; i++)
			close(i);
}

static void with_everything_else_downwards(int fd)
{
	must(!close(fd), "close");
	for (int i = 63; i >= 3; i--)
		close(i);
}

/* Late, and long enough before the end that the end is not to blame for it. */
static void too_late(int fd)
{
	hold(60);
	must(!close(fd), "close");
	hold(1100);
}

static void not_by_failed_dup2(int fd)
{
	must(dup2(-1, fd) < 0, "dup2 of -1 worked");
}

static void not_by_dup2_on_itself(int fd)
{
	must(dup2(fd, fd) == fd, "dup2");
}

static void not_by_marking_the_range(int fd)
{
	must(!close_range((unsigned)fd, (unsigned)fd, CLOSE_RANGE_CLOEXEC),
	     "close_range");
}

static void not_by_shutdown_of_writing(int fd)
{
	shutdown(fd, SHUT_WR);
}

static const struct {
	const char *name;
	void (*step)(int fd);
	const char *outcome;
} ways[] = {
	{"close", by_close, "closed"},
	{"syscall", by_syscall, "closed"},
	{"close_range", by_close_range, "closed"},
	{"closefrom", by_closefrom, "closed"},
	{"dup2", by_dup2, "closed"},
	{"dup3", by_dup3, "closed"},
	{"fclose", by_fclose, "closed"},
	{"shutdown_and_close", by_shutdown_and_close, "closed"},
	{"each_dup", by_closing_each_dup, "closed"},
	{"moved_then_closed", by_moving_then_close, "closed"},
	{"twice", twice, "double"},
	{"twice_then_the_next", twice_then_the_next, "double"},
	{"both_twice", both_twice, "double_twice"},
	{"twice_after_a_sweep", twice_after_a_sweep, "double"},
	{"twice_with_a_file_between", twice_with_a_file_between, "closed"},
	{"twice_with_a_range_between", twice_with_a_range_between, "closed"},
	{"with_everything_else", with_everything_else, "closed"},
	{"with_everything_else_downwards", with_everything_else_downwards, "closed"},
	{"too_late", too_late, "slow"},
	{"failed_dup2", not_by_failed_dup2, "open"},
	{"dup2_on_itself", not_by_dup2_on_itself, "open"},
	{"marked_range", not_by_marking_the_range, "open"},
	{"shutdown_of_writing", not_by_shutdown_of_writing, "open"},
};

static int connection_at_eof(void)
{
	struct pair pair = pair_open();
	char byte;

	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	return pair.server;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (argc == 2)
			printf("%s %s\n", ways[i].name, ways[i].outcome);
		else if (argc == 3 && !strcmp(argv[2], ways[i].name)) {
			ways[i].step(connection_at_eof());
			hold(atoi(argv[1]));
			return 0;
		}
	}
	return argc == 2 ? 0 : 2;
}
