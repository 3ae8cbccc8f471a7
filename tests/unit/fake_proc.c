/* SPDX-License-Identifier: MIT */
/* Files where the kernel has none. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_proc.h"
#include "unit.h"

void fake_init(struct fake *fake)
{
	*fake = (struct fake){.root = "/tmp/fake_proc.XXXXXX"};
	assert_non_null(mkdtemp(fake->root));
	fake->proc = open(fake->root, O_RDONLY | O_DIRECTORY);
	assert_true(fake->proc >= 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_clear(struct fake *fake)
{
	close(fake->proc);
	assert_int_equal(nftw(fake->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

__attribute__((format(printf, 3, 4))) static void put(const char *place, const char *name,
						      const char *format, ...)
{
	char path[128];
	va_list arguments;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	file = fopen(path, "w");
	assert_non_null(file);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
}

static void make(const char *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", place, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

__attribute__((format(printf, 3, 4))) static void put_link(const char *place,
							   const char *name,
							   const char *format, ...)
{
	char path[128], target[64];
	va_list arguments;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	va_start(arguments, format);
	vsnprintf(target, sizeof(target), format, arguments);
	va_end(arguments);
	assert_int_equal(symlink(target, path), 0);
}

void fake_process(const struct fake *fake, pid_t pid, uint64_t start, uint64_t netns,
		  const uint64_t *inodes)
{
	char place[64], name[16];

	snprintf(place, sizeof(place), "%s/%d", fake->root, pid);
	make(place, "");
	make(place, "/ns");
	make(place, "/fd");
	/* The name has what a name may have. */
	put(place, "stat",
	    "%d (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64 " 1 1\n", pid,
	    start);
	put(place, "comm", "server\n");
	put(place, "cmdline", "./server%c-p%c8080%c", 0, 0, 0);
	put(place, "limits",
	    "Limit                     Soft Limit           Hard Limit           Units\n"
	    "Max open files            1024                 4096                 files\n");
	put_link(place, "ns/net", "net:[%" PRIu64 "]", netns);
	put_link(place, "fd/0", "/dev/null");
	put_link(place, "fd/1", "pipe:[77]");
	put_link(place, "fd/2", "anon_inode:[eventpoll]");
	for (int i = 0; inodes[i]; i++) {
		snprintf(name, sizeof(name), "fd/%d", 3 + i);
		put_link(place, name, "socket:[%" PRIu64 "]", inodes[i]);
	}
}

void fake_end(const struct fake *fake, pid_t pid)
{
	char place[64];

	snprintf(place, sizeof(place), "%s/%d", fake->root, pid);
	assert_int_equal(nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void fake_fd_mode(const struct fake *fake, pid_t pid, unsigned mode)
{
	char place[64];

	snprintf(place, sizeof(place), "%s/%d/fd", fake->root, pid);
	assert_int_equal(chmod(place, mode), 0);
}

struct diag_socket *fake_socket(struct fake *fake, uint64_t inode, uint32_t queue)
{
	struct diag_socket *socket = &fake->rows[fake->count];

	assert_true(fake->count < FAKE_ROWS);
	fake->netns[fake->count++] = FAKE_NETNS;
	*socket = (struct diag_socket){
		.cookie = 1000 + inode,
		.queue = queue,
		.look = {.taken = 1,
			 .inode = inode,
			 .state = TCP_CLOSE_WAIT,
			 .unread = queue ? queue - 1 : 0,
			 .last_data_recv = 6000,
			 .last_ack_recv = 5000,
			 .local = {.family = AF_INET, .port = 8080, .ip = {10, 0, 0, 5}},
			 .peer = {.family = AF_INET,
				  .port = 40000,
				  .ip = {10, 0, 3, 17}}},
	};
	return socket;
}

void fake_unlist(struct fake *fake, uint64_t inode)
{
	for (size_t i = 0; i < fake->count; i++)
		if (fake->rows[i].look.inode == inode)
			fake->rows[i].look.state = TCP_CLOSE;
}

static int query(void *context, pid_t pid, uint64_t netns,
		 const struct diag_wanted *wanted, diag_visit *visit, void *visit_context)
{
	struct fake *fake = context;
	char path[64], link[64], expected[64];
	ssize_t size;

	snprintf(path, sizeof(path), "%s/%d/ns/net", fake->root, pid);
	size = readlink(path, link, sizeof(link) - 1);
	if (size < 0)
		return -ESRCH;
	link[size] = '\0';
	snprintf(expected, sizeof(expected), "net:[%" PRIu64 "]", netns);
	if (strcmp(link, expected) != 0)
		return -ESRCH;
	if (netns == fake->refused_netns)
		return -EPERM;
	fake->queries++;
	for (size_t i = 0; i < fake->count; i++)
		if (fake->netns[i] == netns && fake->rows[i].look.state != TCP_CLOSE &&
		    wanted->states & 1u << fake->rows[i].look.state)
			visit(visit_context, &fake->rows[i]);
	return 0;
}

static enum unlisted look(void *context, const struct proc_entry *entry, int fd,
			  uint64_t inode, uint32_t *state)
{
	const struct fake *fake = context;

	if (proc_entry_socket(entry, fd) != inode)
		return UNLISTED_NO_TCP;
	*state = TCP_CLOSE_WAIT;
	return fake->unlisted;
}

static void step(void *context, enum scan_step what, pid_t pid)
{
	struct fake *fake = context;

	if (fake->step)
		fake->step(fake, what, pid);
}

int fake_scan(struct fake *fake, struct scan *scan, const struct scan_request *request)
{
	static const struct scan_request all = {.states = 1u << TCP_CLOSE_WAIT};
	const struct scan_source source = {
		.proc = fake->proc,
		.query = query,
		.unlisted = look,
		.step = step,
		.context = fake,
	};

	return scan_take(scan, request ? request : &all, &source);
}
