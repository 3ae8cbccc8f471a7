/* SPDX-License-Identifier: MIT */
/*
 * Tries to close a connection in a way that fails and leaves it open, then reads its EOF:
 * it is a leak like any other. A seccomp filter refuses the close where nothing else would.
 *
 * Usage: close_refused HOLD_MS WAY (77: no filter can be had here)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "loopback.h"

static void refuse(unsigned call, unsigned error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(77);
}

static long by_dup2(int fd)
{
	return dup2(-1, fd);
}

static long by_dup3(int fd)
{
	return dup3(-1, fd, O_CLOEXEC);
}

static long by_close(int fd)
{
	refuse(SYS_close, EPERM);
	return close(fd);
}

static long by_close_not_known(int fd)
{
	refuse(SYS_close, ENOSYS);
	return close(fd);
}

static long by_syscall(int fd)
{
	refuse(SYS_close, EPERM);
	return syscall(SYS_close, fd);
}

static long by_close_range(int fd)
{
	refuse(SYS_close_range, EPERM);
	return close_range((unsigned)fd, (unsigned)fd, 0);
}

static long by_fclose(int fd)
{
	FILE *file = fdopen(fd, "r");

	refuse(SYS_close, EPERM);
	return fclose(file);
}

static const struct {
	const char *name;
	long (*attempt)(int fd);
} ways[] = {
	{"dup2", by_dup2},	       {"dup3", by_dup3},
	{"close", by_close},	       {"close_not_known", by_close_not_known},
	{"syscall", by_syscall},       {"close_range", by_close_range},
	{"fclose", by_fclose},
};

static long attempt(const char *name, int fd)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (!strcmp(name, ways[i].name))
			return ways[i].attempt(fd);
	}
	exit(2);
}

int main(int argc, char **argv)
{
	struct pair pair;
	char byte;
	long r;

	if (argc < 3)
		return 2;
	pair = pair_open();
	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	await_readable(pair.server);
	r = attempt(argv[2], pair.server);
	printf("%s: %ld %s\n", argv[2], r, strerror(errno));
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(atoi(argv[1]));
	return 0;
}
