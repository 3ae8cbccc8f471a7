/* SPDX-License-Identifier: MIT */
/*
 * Forbids itself most system calls, then uses sockets that it had before and leaks one whose
 * EOF it has read. "strict": seccomp's first mode. "prctl" and "syscall": a filter, set by that
 * call, which kills for everything but what follows. "other": one that kills for reboot() only.
 *
 * Usage: sandboxed HOLD_MS strict|prctl|syscall|other (77: no filter can be had here)
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "loopback.h"

#define LOAD_NUMBER     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(what)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)
#define UNLESS(number)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##number, 0, 1)
#define ALLOWED(number) UNLESS(number), RETURN(ALLOW)
#define PROGRAM(filter)                                     \
	{                                                   \
		sizeof(filter) / sizeof *(filter), (filter) \
	}

static struct sock_filter few[] = {
	LOAD_NUMBER,         ALLOWED(read), ALLOWED(write),       ALLOWED(close),
	ALLOWED(exit_group), ALLOWED(exit), RETURN(KILL_PROCESS),
};

static struct sock_filter all_but_one[] = {
	LOAD_NUMBER,
	UNLESS(reboot),
	RETURN(KILL_PROCESS),
	RETURN(ALLOW),
};

static void set_filter(struct sock_fprog program, bool by_syscall)
{
	long r;

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	if (by_syscall)
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	else
		r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	if (r)
		exit(77);
}

static void confine(const char *way)
{
	if (!strcmp(way, "strict"))
		must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), "SECCOMP_MODE_STRICT");
	else if (!strcmp(way, "other"))
		set_filter((struct sock_fprog)PROGRAM(all_but_one), false);
	else
		set_filter((struct sock_fprog)PROGRAM(few), !strcmp(way, "syscall"));
}

int main(int argc, char **argv)
{
	int ends[2];
	char byte;
	bool strict;

	if (argc < 3)
		return 2;
	strict = !strcmp(argv[2], "strict");
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(!shutdown(ends[1], SHUT_WR), "shutdown");
	confine(argv[2]);
	if (write(ends[0], "x", 1) != 1 || read(ends[1], &byte, 1) != 1 ||
	    read(ends[0], &byte, 1) != 0)
		return 98;
	if (write(1, "fine\n", 5) != 5)
		return 97;
	if (strict) /* exit_group is not allowed */
		syscall(SYS_exit, 0);
	if (!strcmp(argv[2], "other"))
		hold(atoi(argv[1]));
	exit(0);
}
