/* SPDX-License-Identifier: MIT */
/* A child enters the namespace and passes a socket back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "netns.h"

static int open_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

/* setns() asks for CAP_SYS_ADMIN here and there. Who owns the user namespace that the other
 * belongs to has it there once inside. Only a process with one thread may go in. */
static int enter(int netns)
{
	int error, user;

	if (setns(netns, CLONE_NEWNET) == 0)
		return 0;
	error = errno;
	if (error != EPERM)
		return -error;
	user = ioctl(netns, NS_GET_USERNS);
	if (user < 0 || setns(user, CLONE_NEWUSER) < 0 || setns(netns, CLONE_NEWNET) < 0)
		return -error;
	return 0;
}

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The answer: an int, 0 and then a descriptor with it, or -errno. */
static void answer(int channel, int fd)
{
	int error = fd < 0 ? fd : 0;
	struct iovec bytes = {&error, sizeof(error)};
	union control control = {0};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	sendmsg(channel, &message, MSG_NOSIGNAL);
}

static int receive(int channel)
{
	int error = 0, fd = -1;
	struct iovec bytes = {&error, sizeof(error)};
	union control control = {0};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *header;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != sizeof(error))
		return -EIO;
	if (error)
		return error;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EMFILE;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Without a signal at its end no handler and no wait() for other children sees this one. */
static int netlink_there(int netns, int protocol)
{
	int channel[2];
	long child;
	int fd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return -errno;
	child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child == 0) {
		fd = enter(netns);
		answer(channel[1], fd < 0 ? fd : open_netlink(protocol));
		_exit(0);
	}
	fd = child < 0 ? -errno : 0;
	close(channel[1]);
	if (child > 0) {
		fd = receive(channel[0]);
		waitpid((pid_t)child, NULL, __WCLONE);
	}
	close(channel[0]);
	return fd;
}

int netns_netlink(pid_t pid, uint64_t netns, int protocol)
{
	AUTO_FD int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO_FD int theirs = -1;
	struct stat a, b;
	char path[64];

	if (ours < 0 || fstat(ours, &a) < 0)
		return -errno;
	if (netns && a.st_ino == netns)
		return open_netlink(protocol);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (theirs < 0 || fstat(theirs, &b) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (netns && b.st_ino != netns)
		return -ESRCH;
	return a.st_ino == b.st_ino ? open_netlink(protocol)
				    : netlink_there(theirs, protocol);
}
