/* SPDX-License-Identifier: MIT */
/* Writes without blocking for long and without raising a signal. */
#include <errno.h>
#include <limits.h>

#include "quiet_write.h"
#include "sys.h"

#define WAIT_MS 2000

/* All of it at once if it is a file or fits the pipe; else in pieces that do not block. */
static bool write_all(int fd, const char *bytes, size_t size, int wait_ms)
{
	struct stat st;
	/* A terminal may have been stopped by Ctrl-S: what cannot wait does not go there then. */
	bool patient = sys_fstat(fd, &st) == 0 &&
		       (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && wait_ms));
	bool whole = patient;
	int room = 0;

	if (!patient && S_ISFIFO(st.st_mode)) {
		long capacity = sys_call(SYS_fcntl, fd, F_GETPIPE_SZ, 0, 0);

		sys_call(SYS_ioctl, fd, 0x541b /* FIONREAD */, &room, 0);
		whole = capacity > 0 && (size_t)(capacity - room) >= size + PIPE_BUF;
	}
	while (size) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t n;

		if (!patient && sys_poll(&p, 1, wait_ms) <= 0)
			return false;
		n = sys_write(fd, bytes, whole || size < PIPE_BUF ? size : PIPE_BUF);
		if (n == -EAGAIN)
			patient = false; /* a terminal in non-blocking mode */
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

/* The signals that a write can raise: to a pipe without a reader, beyond RLIMIT_FSIZE. */
static const uint64_t raised = 1ull << (SIGPIPE - 1) | 1ull << (SIGXFSZ - 1);

/* While SIGTTOU is blocked a background process may write to its terminal: `stty tostop` would
 * have it stopped. */
#define SIGTTOU_BIT (1ull << (SIGTTOU - 1))

/* Takes back what our write raised: those not pending before. */
static void swallow(uint64_t before)
{
	const struct timespec now = {0, 0};
	uint64_t ours = raised & ~before;

	while (ours && sys_call(SYS_rt_sigtimedwait, &ours, NULL, &now, sizeof ours) > 0)
		;
}

static bool write_quietly(int fd, const char *bytes, size_t size, int wait_ms)
{
	const uint64_t blocked = raised | SIGTTOU_BIT;
	uint64_t mask;
	uint64_t before = 0;
	bool done;

	sys_sigprocmask(SIG_BLOCK, &blocked, &mask);
	sys_call(SYS_rt_sigpending, &before, sizeof before, 0, 0);
	done = write_all(fd, bytes, size, wait_ms);
	swallow(before);
	sys_sigprocmask(SIG_SETMASK, &mask, NULL);
	return done;
}

bool quiet_write(int fd, const char *bytes, size_t size)
{
	return write_quietly(fd, bytes, size, WAIT_MS);
}

bool quiet_write_now(int fd, const char *bytes, size_t size)
{
	return write_quietly(fd, bytes, size, 0);
}
