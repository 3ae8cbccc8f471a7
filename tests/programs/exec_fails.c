/* SPDX-License-Identifier: MIT */
/*
 * Tries to exec what cannot be, and leaks one connection whose EOF it has read: after that, or,
 * with `close`, before, and then closes it.
 *
 * Usage: exec_fails absent|FILE exit|kill|close. FILE may be executed, but is no program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "loopback.h"

static char *const arguments[] = {(char *)"x", NULL};

static void tell(const char *call, int result)
{
	int error = errno;

	printf("%s %d %s\n", call, result, strerror(error));
	fflush(stdout);
}

static void try_absent(void)
{
	int data = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	tell("execv", execv("/nonexistent", arguments));
	tell("execl", execl("/", "x", (char *)NULL));
	tell("execve", execve("/etc/passwd", arguments, environ));
	tell("execvp", execvp("nobody-has-a-program-of-this-name", arguments));
	tell("execlp", execlp("", "x", (char *)NULL));
	tell("fexecve", fexecve(data, arguments, environ));
	close(data);
}

static void leave(struct pair *pair)
{
	char byte;

	close(pair->client);
	await_readable(pair->server);
	must(recv(pair->server, &byte, 1, 0) == 0, "EOF");
	hold(60);
}

int main(int argc, char **argv)
{
	struct pair pair = pair_open();
	int before = argc > 2 && !strcmp(argv[2], "close");

	if (argc < 3)
		return 2;
	if (before)
		leave(&pair);
	if (!strcmp(argv[1], "absent"))
		try_absent();
	else
		tell("execv", execv(argv[1], arguments));
	if (!before) {
		leave(&pair);
	} else {
		close(pair.server);
		hold(1100); /* closed in its last second, it would be "closed only by exit" */
	}
	if (!strcmp(argv[2], "kill"))
		raise(SIGKILL);
	return 0;
}
