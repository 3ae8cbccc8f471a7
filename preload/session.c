/* SPDX-License-Identifier: MIT */
/* Announces this image to the command that runs it. */
#include "session.h"
#include "options.h"
#include "proc.h"
#include "quiet_write.h"
#include "sys.h"
#include "text_build.h"
#include "trace/format.h"

static int open_list(void)
{
	char path[sizeof options.session + sizeof CW_LOADED_NAME + 1];
	struct text_build b = text_build_in(path, sizeof path);

	text_build_string(&b, options.session);
	text_build_char(&b, '/');
	text_build_string(&b, CW_LOADED_NAME);
	/* The command has made it. Without O_CREAT: fs.protected_regular forbids that to the
	 * user that root's command has become. */
	return sys_open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0);
}

/* One write, so that processes that start together do not mix their lines. */
void session_announce(void)
{
	char line[400];
	char path[300];
	struct text_build b = text_build_in(line, sizeof line);
	int fd;

	if (!options.session[0])
		return;
	fd = open_list();
	if (fd < 0)
		return;
	proc_executable(path, sizeof path);
	text_build_number(&b, (uint64_t)sys_getpid());
	text_build_char(&b, ' ');
	text_build_number(&b, proc_start_ticks());
	text_build_char(&b, ' ');
	text_build_number(&b, (uint64_t)sys_call(SYS_getppid, 0, 0, 0, 0));
	text_build_char(&b, ' ');
	for (const char *p = path; *p; p++)
		text_build_char(&b, *p == '\n' ? '?' : *p);
	text_build_char(&b, '\n');
	quiet_write(fd, line, b.used < sizeof line ? b.used : sizeof line - 1);
	sys_close(fd);
}
