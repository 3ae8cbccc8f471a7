/* SPDX-License-Identifier: MIT */
/* Borrowing a socket to ask what became of it. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "unlisted.h"

#define STATE_CLOSE 7 /* TCP_CLOSE of <netinet/tcp.h>, which excludes <linux/tcp.h> */

static int borrow(const struct proc_entry *entry, int fd)
{
	AUTO_FD int process = (int)syscall(SYS_pidfd_open, entry->pid, 0);

	/* Between the two the number may have gone to another process: its socket has
	 * another inode, and is given back unasked. */
	return process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
}

/* segs_in is 0 until a connection is made, and again after a connect() that failed; it stays
 * after a reset. (Linux 4.2; a shorter answer tells nothing.) */
static enum unlisted judge(int borrowed, uint32_t *state)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (getsockopt(borrowed, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_segs_in) + sizeof(info.tcpi_segs_in))
		return UNLISTED_UNTOLD;
	*state = info.tcpi_state;
	if (info.tcpi_state != STATE_CLOSE)
		return UNLISTED_ALIVE;
	return info.tcpi_segs_in ? UNLISTED_DEAD : UNLISTED_FRESH;
}

enum unlisted unlisted_look(const struct proc_entry *entry, int fd, uint64_t inode,
			    uint32_t *state)
{
	AUTO_FD int borrowed = -1;
	struct stat st;

	if (!proc_entry_is_tcp(entry, fd))
		return UNLISTED_NO_TCP;
	borrowed = borrow(entry, fd);
	if (borrowed >= 0 && (fstat(borrowed, &st) < 0 || st.st_ino != inode))
		return UNLISTED_NO_TCP;
	if (borrowed >= 0)
		return judge(borrowed, state);
	return proc_entry_socket(entry, fd) == inode ? UNLISTED_UNTOLD : UNLISTED_NO_TCP;
}
