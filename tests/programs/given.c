/* SPDX-License-Identifier: MIT */
/*
 * A program that is given its sockets: by inetd, by systemd, or by the program before exec.
 *
 * Usage: given serve WAY      the connection is descriptor 0
 *        given serve3 WAY     it is descriptor 3 (systemd's Accept=yes)
 *        given listen WAY     descriptor 3 is a listening socket: one connection is served
 *        given hold           does nothing with what it has, and waits to be ended
 *        given exec [CLOEXEC] opens a connection, becomes `given hold`
 *        given spawn          opens one, makes `given hold` its child, closes its own and ends
 * WAY: answer    answers each byte up to EOF, and exits
 *      closes    the same, and closes before it exits
 *      hangs     the same, and then waits to be ended
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "loopback.h"

extern char **environ;

static __attribute__((noinline)) void wait_for_the_end(void)
{
	/* Standard output may be the client. */
	if (write(creat("ready", 0644), "x", 1) != 1)
		exit(99);
	for (;;)
		pause();
}

static __attribute__((noinline)) void answer_all(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1)
		must(write(fd, &byte, 1) == 1, "answer");
}

static __attribute__((noinline)) int serve(int fd, const char *way)
{
	answer_all(fd);
	if (!strcmp(way, "hangs"))
		wait_for_the_end();
	hold(60);
	if (!strcmp(way, "closes"))
		close(fd);
	return 0;
}

static __attribute__((noinline)) int serve_one(const char *way)
{
	int fd = accept(3, NULL, NULL);
	int status;

	must(fd >= 0, "accept");
	status = serve(fd, way);
	if (!strcmp(way, "answer"))
		close(fd);
	return status;
}

static __attribute__((noinline)) struct pair open_one(void)
{
	struct pair pair = pair_open();

	close(pair.listener);
	must(!fcntl(pair.client, F_SETFD, FD_CLOEXEC), "FD_CLOEXEC");
	return pair;
}

static __attribute__((noinline)) int become_other(int cloexec)
{
	struct pair pair = open_one();

	if (cloexec)
		fcntl(pair.server, F_SETFD, FD_CLOEXEC);
	execl("/proc/self/exe", "given", "hold", NULL);
	return 98;
}

static int spawn_other(void)
{
	char *argv[] = {"given", "hold", NULL};
	struct pair pair = open_one();
	pid_t pid;

	must(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ),
	     "posix_spawn");
	printf("spawned %d\n", (int)pid);
	fflush(stdout);
	close(pair.server);
	close(pair.client);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *way = argc > 2 ? argv[2] : "";

	if (!strcmp(what, "hold"))
		wait_for_the_end();
	if (!strcmp(what, "exec"))
		return become_other(!strcmp(way, "CLOEXEC"));
	if (!strcmp(what, "spawn"))
		return spawn_other();
	if (!strcmp(what, "listen"))
		return serve_one(way);
	return serve(!strcmp(what, "serve3") ? 3 : 0, way);
}
