/* SPDX-License-Identifier: MIT */
/*
 * A library that is preloaded beside another: at its end each process appends to the file that
 * SELF_LOOK names what it sees of itself by then. Its descriptors, threads, children, signal
 * dispositions (as sigaction() and as the kernel tell them), masks, its alternate stack, limits
 * and libraries' count. No process that dies by a signal does.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[65536];
static size_t used;

static void say(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text + used, sizeof text - used, format, ap);
	va_end(ap);
	if (n > 0 && used + (size_t)n < sizeof text)
		used += (size_t)n;
}

/* Each descriptor by fcntl, so that none is opened for it that would be listed. */
static void say_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[32], to[256];
		ssize_t n;
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof to - 1);
		to[n > 0 ? n : 0] = '\0';
		say("fd %d %x %x %s\n", fd, (unsigned)flags, (unsigned)fcntl(fd, F_GETFL),
		    to);
	}
}

static const char *kind(const struct sigaction *action)
{
	return action->sa_handler == SIG_DFL ? "default"
	       : action->sa_handler == SIG_IGN ? "ignored"
					       : "handler";
}

static void say_signals(void)
{
	for (int i = 1; i < 65; i++) {
		struct sigaction action;

		if (sigaction(i, NULL, &action))
			continue;
		if (action.sa_handler != SIG_DFL || action.sa_flags)
			say("signal %d %s %x\n", i, kind(&action),
			    (unsigned)action.sa_flags);
	}
}

static void say_status(void)
{
	static const char *const wanted[] = {"Threads:", "SigQ", "ShdPnd:", "SigPnd:",
					     "SigBlk:",	 "SigIgn:", "SigCgt:", "Umask:",
					     "NoNewPrivs:", "Seccomp:"};
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof line, file)) {
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			if (!strncmp(line, wanted[i], strlen(wanted[i])) &&
			    strncmp(line, "SigQ", 4))
				say("%s", line);
		}
	}
	if (file)
		fclose(file);
}

static void say_children(void)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (file && fgets(line, sizeof line, file)) {
		int count = 0;

		for (const char *c = line; *c; c++)
			count += *c == ' ';
		say("children %d\n", count);
	}
	if (file)
		fclose(file);
}

static void say_rest(void)
{
	char cwd[256];
	stack_t alternate;
	struct rlimit limit;

	sigaltstack(NULL, &alternate);
	say("alternate %x %zu\n", (unsigned)alternate.ss_flags, alternate.ss_size);
	getrlimit(RLIMIT_NOFILE, &limit);
	say("nofile %ju\n", (uintmax_t)limit.rlim_cur);
	say("cwd %s\n", getcwd(cwd, sizeof cwd));
}

static __attribute__((destructor)) void look(void)
{
	const char *path = getenv("SELF_LOOK");
	char name[64] = "";
	int fd;

	if (!path)
		return;
	used = 0;
	syscall(SYS_prctl, 16 /* PR_GET_NAME */, name, 0, 0, 0);
	say("process %s\n", name);
	say_descriptors();
	say_signals();
	say_status();
	say_children();
	say_rest();
	say("\n");
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0 && write(fd, text, used) < 0)
		perror("self_look");
	if (fd >= 0)
		close(fd);
}
