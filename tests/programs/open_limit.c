/* SPDX-License-Identifier: MIT */
/*
 * Runs COMMAND, which is told that it may open FILES descriptors, whatever this machine allows:
 * its prlimit64() that asks for RLIMIT_NOFILE, and those of all it forks, are answered from here.
 * The limit itself stays what it is. Exits as COMMAND did when the last of them has ended.
 *
 * Usage: open_limit FILES COMMAND …  (77: no system call can be answered here)
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (otherwise))
#define RETURN(what)         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)

/* Both machines this is for are little-endian: the lower half of an argument comes first. */
static struct sock_filter asks_for_nofile[] = {
	LOAD(nr),           IS(SYS_prlimit64, 3), LOAD(args[1]), IS(RLIMIT_NOFILE, 1),
	RETURN(USER_NOTIF), RETURN(ALLOW),
};

union one_fd {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static int fail(const char *what)
{
	perror(what);
	return 77;
}

static bool send_fd(int to, int fd)
{
	union one_fd control = {0};
	char byte = 0;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	return sendmsg(to, &message, 0) == 1;
}

/* -1: none came. */
static int receive_fd(int from)
{
	union one_fd control = {0};
	char byte;
	struct iovec room = {&byte, 1};
	struct msghdr message = {.msg_iov = &room,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	int fd = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    message.msg_controllen >= CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	return fd;
}

static int run(int to, char **command)
{
	struct sock_fprog program = {sizeof asks_for_nofile / sizeof *asks_for_nofile,
				     asks_for_nofile};
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail("PR_SET_NO_NEW_PRIVS");
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (fd < 0 || !send_fd(to, fd))
		return fail("SECCOMP_FILTER_FLAG_NEW_LISTENER");
	execvp(command[0], command);
	return fail(command[0]);
}

/* Nothing is changed: who sets the limit is let through, and who asks for another's. */
static void answer(int listener, rlim_t files)
{
	struct rlimit limit = {files, files};
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp response = {0};
	struct iovec from = {&limit, sizeof limit}, to = {.iov_len = sizeof limit};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
		return; /* killed meanwhile */
	to.iov_base = (void *)(uintptr_t)asked.data.args[3];
	response.id = asked.id;
	if (asked.data.args[0] || asked.data.args[2] || !to.iov_base)
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (process_vm_writev((pid_t)asked.pid, &from, 1, &to, 1, 0) < 0)
		response.error = -errno;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int main(int argc, char **argv)
{
	int ends[2], listener, status;
	struct pollfd next = {.events = POLLIN};
	pid_t child;

	if (argc < 3)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return fail("socketpair");
	child = fork();
	if (child < 0)
		return fail("fork");
	if (!child)
		_exit(run(ends[1], argv + 2));
	close(ends[1]);
	listener = receive_fd(ends[0]);
	next.fd = listener;
	/* It hangs up when the last that it answers for is gone. */
	while (listener >= 0 && poll(&next, 1, -1) == 1 && next.revents & POLLIN)
		answer(listener, (rlim_t)atoll(argv[1]));
	if (waitpid(child, &status, 0) != child)
		return fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
