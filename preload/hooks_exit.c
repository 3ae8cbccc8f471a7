/* SPDX-License-Identifier: MIT */
/* Hooks of the ways out that run no handlers, and of exec. */
#include <alloca.h>
#include <stdarg.h>

#include "books.h"
#include "exec_check.h"
#include "exit.h"
#include "hooks.h"

static int status_after(int status)
{
	return exit_status(exit_before(CW_END__EXIT, status), status);
}

CW_HOOK void _exit(int status)
{
	real_get()->_exit(status_after(status));
	__builtin_unreachable();
}

CW_HOOK void _Exit(int status)
{
	real_get()->_Exit(status_after(status));
	__builtin_unreachable();
}

/* A vfork child and a process without books have nothing to end. */
static bool ended_for_exec(bool possible)
{
	if (possible)
		exit_before(CW_END_EXEC, 0);
	return possible;
}

static bool ended_for(int dir, const char *path, int flags)
{
	return ended_for_exec(books_here() && exec_can_run(dir, path, flags));
}

static bool ended_for_found(const char *file)
{
	return ended_for_exec(books_here() && exec_can_find(file));
}

static int exec_failed(bool ended, int r)
{
	if (ended)
		exit_not_yet();
	return r;
}

CW_HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	bool ended = ended_for(AT_FDCWD, path, 0);

	return exec_failed(ended, real_get()->execve(path, argv, envp));
}

CW_HOOK int execv(const char *path, char *const argv[])
{
	bool ended = ended_for(AT_FDCWD, path, 0);

	return exec_failed(ended, real_get()->execv(path, argv));
}

CW_HOOK int execvp(const char *file, char *const argv[])
{
	bool ended = ended_for_found(file);

	return exec_failed(ended, real_get()->execvp(file, argv));
}

CW_HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	bool ended = ended_for_found(file);

	return exec_failed(ended, real_get()->execvpe(file, argv, envp));
}

CW_HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	bool ended = ended_for(fd, "", AT_EMPTY_PATH);

	return exec_failed(ended, real_get()->fexecve(fd, argv, envp));
}

CW_HOOK int execveat(int dir, const char *path, char *const argv[], char *const envp[],
		     int flags)
{
	bool ended = ended_for(dir, path, flags);

	return exec_failed(ended, real_get()->execveat(dir, path, argv, envp, flags));
}

/* How many arguments follow, the closing NULL included. */
static size_t count_arguments(va_list from)
{
	va_list ap;
	size_t n = 1;

	va_copy(ap, from);
	while (va_arg(ap, char *))
		n++;
	va_end(ap);
	return n;
}

/* argv on the caller's stack: a vfork child must not allocate. */
#define TAKE_ARGUMENTS(argv, first, ap)                     \
	do {                                                \
		size_t n_ = count_arguments(ap);            \
		(argv) = alloca((n_ + 1) * sizeof *(argv)); \
		(argv)[0] = (char *)(first);                \
		for (size_t i_ = 1; i_ <= n_; i_++)         \
			(argv)[i_] = va_arg(ap, char *);    \
	} while (0)

CW_HOOK int execl(const char *path, const char *first, ...)
{
	va_list ap;
	char **argv;

	va_start(ap, first);
	TAKE_ARGUMENTS(argv, first, ap);
	va_end(ap);
	return execv(path, argv);
}

CW_HOOK int execlp(const char *file, const char *first, ...)
{
	va_list ap;
	char **argv;

	va_start(ap, first);
	TAKE_ARGUMENTS(argv, first, ap);
	va_end(ap);
	return execvp(file, argv);
}

CW_HOOK int execle(const char *path, const char *first, ...)
{
	va_list ap;
	char **argv;
	char *const *envp;

	va_start(ap, first);
	TAKE_ARGUMENTS(argv, first, ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}
