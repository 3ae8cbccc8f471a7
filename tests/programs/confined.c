/* SPDX-License-Identifier: MIT */
/*
 * A server that confines itself as servers do, forks, and leaks one connection in the child: the
 * parent has one open meanwhile, which the child closes at once, and ends in good order.
 *
 * Usage: confined HOLD_MS chroot DIR|setuid|user|net|daemon|double|none   (77: not allowed)
 */
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "loopback.h"

static int daemonized;

static void bring_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
	close(fd);
}

static pid_t fork_one(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	return pid;
}

/* The first child ends at once, and init is the second's parent. */
static void fork_twice(void)
{
	if (fork_one())
		_exit(0);
	setsid();
	if (fork_one())
		_exit(0);
	daemonized = 1;
}

static void confine(const char *way, const char *directory)
{
	int r = 0;

	if (!strcmp(way, "chroot"))
		r = chroot(directory) || chdir("/");
	else if (!strcmp(way, "setuid"))
		r = setgid(65534) || setuid(65534);
	else if (!strcmp(way, "user"))
		r = unshare(CLONE_NEWUSER | CLONE_NEWNET);
	else if (!strcmp(way, "net"))
		r = unshare(CLONE_NEWNET);
	else if (!strcmp(way, "double"))
		fork_twice();
	else if (!strcmp(way, "daemon"))
		r = daemon(1, 1), daemonized = 1;
	if (r)
		exit(77);
	if (!strcmp(way, "user") || !strcmp(way, "net"))
		bring_up_loopback();
}

static __attribute__((noinline)) void leak(int ms)
{
	struct pair pair = pair_open();
	char byte;

	close(pair.listener);
	close(pair.client);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(ms);
}

static __attribute__((noinline)) void close_pair(const struct pair *pair)
{
	close(pair->listener);
	close(pair->client);
	close(pair->server);
}

int main(int argc, char **argv)
{
	struct pair before, after;
	pid_t pid;

	if (argc < 3)
		return 2;
	before = pair_open();
	confine(argv[2], argc > 3 ? argv[3] : "");
	after = pair_open();
	pid = fork_one();
	if (!pid) {
		close_pair(&before);
		close_pair(&after);
		leak(atoi(argv[1]));
		exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	close_pair(&before);
	close_pair(&after);
	printf("done%s\n", daemonized ? " in the background" : "");
	return 0;
}
