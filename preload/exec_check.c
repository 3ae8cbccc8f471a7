/* SPDX-License-Identifier: MIT */
/* Looks whether there is a file to exec. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "exec_check.h"
#include "proc.h"
#include "sys.h"
#include "text_build.h"

#ifndef SYS_faccessat2
#define SYS_faccessat2 439 /* Linux 5.8 */
#endif

/* glibc's CS_PATH, for a process without $PATH. */
#define DEFAULT_PATH "/bin:/usr/bin"

/* Errors that exec will meet, too. */
static bool is_final(long error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -EACCES:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -EBADF:
	case -EFAULT:
		return true;
	default:
		return false;
	}
}

bool exec_can_run(int dir, const char *path, int flags)
{
	int how = flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	struct stat st;
	long r = sys_call(SYS_newfstatat, dir, path, &st, how);

	if (r == 0 && !S_ISREG(st.st_mode))
		return false;
	if (r == 0)
		r = sys_call(SYS_faccessat2, dir, path, X_OK, how | AT_EACCESS);
	return !is_final(r);
}

/* `size` bytes of $PATH; nothing stands for the current directory. */
static bool can_run_in(const char *directory, size_t size, const char *file)
{
	char path[1024];
	struct text_build b = text_build_in(path, sizeof path);

	for (size_t i = 0; i < size; i++)
		text_build_char(&b, directory[i]);
	if (size)
		text_build_char(&b, '/');
	text_build_string(&b, file);
	return !text_build_fits(&b) || exec_can_run(AT_FDCWD, path, 0);
}

bool exec_can_find(const char *file)
{
	const char *directory = proc_environment("PATH");

	if (!*file)
		return false;
	if (strchr(file, '/'))
		return exec_can_run(AT_FDCWD, file, 0);
	for (directory = directory ? directory : DEFAULT_PATH;; directory++) {
		const char *end = strchrnul(directory, ':');

		if (can_run_in(directory, (size_t)(end - directory), file))
			return true;
		directory = end;
		if (!*end)
			return false;
	}
}
