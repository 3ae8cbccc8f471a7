/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection whose EOF it has read, then becomes another program, or starts one: this one
 * again, as `becomes healthy`, which opens a connection and closes it.
 *
 * Usage: becomes CALL [keep]   CALL: execve execv execvp execvpe execl execlp execle fexecve
 *                              execveat raw-execve raw-execveat (no return), or posix_spawn
 *                              posix_spawnp system popen vfork fork
 *        keep: the leak has no FD_CLOEXEC
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

#define SELF "/proc/self/exe"

static char *const arguments[] = {(char *)"becomes", (char *)"healthy", NULL};
static char self[1024];

static __attribute__((noinline)) void leak(int keep)
{
	struct pair pair = pair_open();
	char byte;

	close(pair.listener);
	close(pair.client);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	if (!keep)
		must(!fcntl(pair.server, F_SETFD, FD_CLOEXEC), "FD_CLOEXEC");
	hold(60);
}

static int healthy(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	close(pair.server);
	close(pair.listener);
	puts("healthy");
	return 0;
}

static void become(const char *call)
{
	int fd = open(SELF, O_PATH | O_CLOEXEC);

	must(fd >= 0, "open");
	if (!strcmp(call, "execve"))
		execve(self, arguments, environ);
	else if (!strcmp(call, "execv"))
		execv(self, arguments);
	else if (!strcmp(call, "execvp"))
		execvp("test_becomes", arguments);
	else if (!strcmp(call, "execvpe"))
		execvpe("test_becomes", arguments, environ);
	else if (!strcmp(call, "execl"))
		execl(self, "becomes", "healthy", (char *)NULL);
	else if (!strcmp(call, "execlp"))
		execlp("test_becomes", "becomes", "healthy", (char *)NULL);
	else if (!strcmp(call, "execle"))
		execle(self, "becomes", "healthy", (char *)NULL, environ);
	else if (!strcmp(call, "fexecve"))
		fexecve(fd, arguments, environ);
	else if (!strcmp(call, "execveat"))
		execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
	else if (!strcmp(call, "raw-execve"))
		syscall(SYS_execve, self, arguments, environ);
	else if (!strcmp(call, "raw-execveat"))
		syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static int started(pid_t pid)
{
	int status;

	must(pid > 0 && waitpid(pid, &status, 0) == pid, "waitpid");
	return status;
}

static int start(const char *call)
{
	char line[1100];
	pid_t pid = -1;

	if (!strcmp(call, "posix_spawn")) {
		must(!posix_spawn(&pid, self, NULL, NULL, arguments, environ), call);
		return started(pid);
	}
	if (!strcmp(call, "posix_spawnp")) {
		must(!posix_spawnp(&pid, "test_becomes", NULL, NULL, arguments, environ),
		     call);
		return started(pid);
	}
	if (!strcmp(call, "vfork") || !strcmp(call, "fork")) {
		pid = call[0] == 'v' ? vfork() : fork();
		if (!pid) {
			execv(self, arguments);
			_exit(98);
		}
		return started(pid);
	}
	snprintf(line, sizeof line, "'%s' healthy", self);
	if (!strcmp(call, "popen")) {
		FILE *file = popen(line, "r");

		must(file && fgets(line, sizeof line, file), "fgets");
		fputs(line, stdout);
		return pclose(file);
	}
	return system(line);
}

int main(int argc, char **argv)
{
	char path[2048];
	ssize_t size = readlink(SELF, self, sizeof self - 1);

	if (argc < 2 || size < 0)
		return 2;
	if (!strcmp(argv[1], "healthy"))
		return healthy();
	snprintf(path, sizeof path, "%.*s", (int)(strrchr(self, '/') - self), self);
	setenv("PATH", path, 1);
	leak(argc > 2);
	become(argv[1]);
	return start(argv[1]);
}
