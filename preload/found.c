/* SPDX-License-Identifier: MIT */
/* Looks at the descriptors that are open at start-up, and adopts what can be left by a peer. */
#include <errno.h>
#include <sys/un.h>

#include "books.h"
#include "found.h"
#include "kernel.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "proc.h"
#include "sys.h"

/* Where one of these is open beside 0, 1 and 2, all are looked for. The numbers that are handed on
 * are the lowest mostly: systemd's begin with 3. */
#define FIRST_FEW 16

static bool is_open(int fd, bool *socket)
{
	struct stat st;
	bool open = sys_fstat(fd, &st) == 0;

	*socket = open && S_ISSOCK(st.st_mode);
	return open;
}

/* The ends of a socketpair() are pipes to whoever started the program; a service has a name. */
static bool has_name(int fd)
{
	struct sockaddr_un address;
	socklen_t size = sizeof address;

	return sys_call(SYS_getsockname, fd, &address, &size, 0) == 0 &&
	       size > offsetof(struct sockaddr_un, sun_path);
}

static bool is_ours_to_watch(int fd)
{
	int domain;
	int type;
	int protocol;

	if (!kernel_kind(fd, &domain, &type, &protocol) || type != SOCK_STREAM)
		return false;
	return domain == AF_INET || domain == AF_INET6 ||
	       (domain == AF_UNIX && has_name(fd));
}

/* 0, 1 and 2 are one connection where inetd was. */
static uint64_t same_as_lower(struct books *b, int fd)
{
	uint64_t cookie = kernel_cookie(fd);

	for (int lower = 0; lower < fd && lower < FIRST_FEW; lower++) {
		uint64_t entry = fd_entry(b, lower);

		if (entry && cookie && entry_socket(entry)->cookie == cookie)
			return entry;
	}
	return 0;
}

static void adopt(int fd)
{
	struct books *b = is_ours_to_watch(fd) ? books_for_socket() : NULL;
	uint64_t same;

	if (!b || fd_entry(b, fd))
		return;
	same = same_as_lower(b, fd);
	if (same)
		lifecycle_duplicated(fd, same);
	else
		lifecycle_take(b, fd, CW_ORIGIN_ADOPTED, CW_SOCKET_FOUND);
}

/* `name` is an entry of /proc/self/fd. */
static void look_at(void *context, const char *name)
{
	bool socket;
	int fd = 0;

	(void)context;
	for (; *name >= '0' && *name <= '9'; name++)
		fd = fd * 10 + (*name - '0');
	if (fd >= FIRST_FEW && is_open(fd, &socket) && socket)
		adopt(fd);
}

void found_look(void)
{
	int saved = errno;
	bool more = false;

	if (!books)
		return;
	for (int fd = 0; fd < FIRST_FEW; fd++) {
		bool socket;

		more |= is_open(fd, &socket) && fd > 2;
		if (socket)
			adopt(fd);
	}
	if (more)
		proc_each_entry("/proc/self/fd", look_at, NULL);
	errno = saved;
}
