/* SPDX-License-Identifier: MIT */
/* Reading a process's directory. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "proc_entry.h"

/* Reads the beginning of a file as a string. Returns its size, or -errno. */
static ssize_t read_at(int dir, const char *path, char *text, size_t size)
{
	AUTO_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	return got < 0 ? -errno : got;
}

/* Of the flags in field 9: <linux/sched.h> of the kernel. */
#define PF_EXITING 0x4u

/* A number, from field 4 on; 0 of a zombie, too, or where it is not understood. */
static uint64_t stat_field(const char *stat, int number)
{
	/* The name in field 2 may hold anything, spaces and parentheses too. */
	const char *field = strrchr(stat, ')');

	if (!field || strlen(field) < 3 || field[2] == 'Z' || field[2] == 'X')
		return 0;
	field += 2;
	for (int n = 3; n < number && field; n++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	return field ? strtoull(field, NULL, 10) : 0;
}

uint64_t proc_stat_start(const char *stat)
{
	return stat_field(stat, 22);
}

bool proc_stat_ends(const char *stat)
{
	return !proc_stat_start(stat) || stat_field(stat, 9) & PF_EXITING;
}

/* Returns 0 or -errno; -ESRCH, too, for a zombie. */
static int start_at(int dir, const char *path, uint64_t *start)
{
	char stat[1024];
	ssize_t got = read_at(dir, path, stat, sizeof(stat));

	*start = proc_stat_start(stat);
	if (got < 0 && got != -ENOENT)
		return (int)got;
	return *start ? 0 : -ESRCH;
}

/* Of a process whose main thread has ended (and shows no descriptors) while others live: the
 * first of those. */
static int open_thread(struct proc_entry *entry, int process)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *task;

	if (fd >= 0 && !tasks)
		close(fd);
	while (tasks && (task = readdir(tasks))) {
		entry->thread = (pid_t)strtol(task->d_name, NULL, 10);
		if (!isdigit((unsigned char)*task->d_name) || entry->thread == entry->pid)
			continue;
		entry->dir = openat(fd, task->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (entry->dir >= 0 && start_at(entry->dir, "stat", &entry->start) == 0)
			return 0;
		proc_entry_close(entry);
	}
	return -ESRCH;
}

int proc_entry_open(struct proc_entry *entry, int root, pid_t pid)
{
	char name[16];
	int error, process;

	snprintf(name, sizeof(name), "%d", pid);
	entry->pid = entry->thread = pid;
	entry->dir = process = openat(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	error = start_at(process, "stat", &entry->start);
	if (!error)
		return 0;
	entry->dir = -1;
	if (error == -ESRCH)
		error = open_thread(entry, process);
	close(process);
	return error;
}

void proc_entry_close(struct proc_entry *entry)
{
	if (entry->dir >= 0)
		close(entry->dir);
	entry->dir = -1;
}

bool proc_entry_is_same(const struct proc_entry *entry, int root)
{
	char path[48];
	uint64_t start;

	if (entry->thread == entry->pid)
		snprintf(path, sizeof(path), "%d/stat", entry->pid);
	else
		snprintf(path, sizeof(path), "%d/task/%d/stat", entry->pid,
			 entry->thread);
	return start_at(root, path, &start) == 0 && start == entry->start;
}

/* The number in a link such as "net:[4026531840]"; 0: another kind of link. */
static uint64_t link_inode(int dir, const char *path, const char *format)
{
	char target[64];
	uint64_t inode = 0;
	ssize_t size = readlinkat(dir, path, target, sizeof(target) - 1);

	if (size < 0)
		return 0;
	target[size] = '\0';
	errno = 0;
	return sscanf(target, format, &inode) == 1 ? inode : 0;
}

int proc_entry_netns(const struct proc_entry *entry, uint64_t *inode)
{
	*inode = link_inode(entry->dir, "ns/net", "net:[%" SCNu64 "]");
	if (*inode)
		return 0;
	return errno == ENOENT || !errno ? -ESRCH : -errno;
}

uint64_t proc_entry_fd_limit(const struct proc_entry *entry)
{
	static const char label[] = "\nMax open files";
	char limits[4096];
	const char *value;

	if (read_at(entry->dir, "limits", limits, sizeof(limits)) <= 0)
		return PROC_LIMIT_UNKNOWN;
	value = strstr(limits, label);
	if (!value)
		return PROC_LIMIT_UNKNOWN;
	value += sizeof(label) - 1;
	value += strspn(value, " ");
	if (strncmp(value, "unlimited", 9) == 0)
		return PROC_LIMIT_NONE;
	return isdigit((unsigned char)*value) ? strtoull(value, NULL, 10)
					      : PROC_LIMIT_UNKNOWN;
}

void proc_entry_name(const struct proc_entry *entry, char name[16])
{
	read_at(entry->dir, "comm", name, 16);
	name[strcspn(name, "\n")] = '\0';
}

void proc_entry_command(const struct proc_entry *entry, char *text, size_t size)
{
	ssize_t got = read_at(entry->dir, "cmdline", text, size);
	char name[16];

	while (got > 0 && !text[got - 1])
		got--;
	for (ssize_t i = 0; i < got; i++)
		if (!text[i])
			text[i] = ' ';
	if (got > 0)
		return;
	proc_entry_name(entry, name);
	snprintf(text, size, "[%s]", name);
}

bool proc_entry_maps(const struct proc_entry *entry, const char *base_name)
{
	int fd = openat(entry->dir, "maps", O_RDONLY | O_CLOEXEC);
	AUTO_FILE FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	AUTO_FREE char *line = NULL;
	size_t room = 0, wanted = strlen(base_name);
	ssize_t size;

	if (fd >= 0 && !maps)
		close(fd);
	while (maps && (size = getline(&line, &room, maps)) > 0) {
		const char *end = line + size - (line[size - 1] == '\n');

		if ((size_t)(end - line) > wanted && end[-(ssize_t)wanted - 1] == '/' &&
		    memcmp(end - wanted, base_name, wanted) == 0)
			return true;
	}
	return false;
}

int proc_entry_each_socket(const struct proc_entry *entry, proc_socket_visit *visit,
			   void *context, uint64_t *descriptors)
{
	int fd = openat(entry->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *fds = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *one;

	*descriptors = 0;
	if (!fds) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return error == ENOENT ? -ESRCH : -error;
	}
	while (errno = 0, one = readdir(fds)) {
		uint64_t inode;

		if (!isdigit((unsigned char)one->d_name[0]))
			continue;
		inode = link_inode(fd, one->d_name, "socket:[%" SCNu64 "]");
		if (!inode && (errno == EACCES || errno == EPERM))
			return -errno;
		++*descriptors;
		if (inode)
			visit(context, (int)strtol(one->d_name, NULL, 10), inode);
	}
	return errno == ENOENT ? -ESRCH : -errno;
}

uint64_t proc_entry_socket(const struct proc_entry *entry, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "fd/%d", fd);
	return link_inode(entry->dir, path, "socket:[%" SCNu64 "]");
}

bool proc_fd_is_tcp(const char *path)
{
	char name[32] = "";

	if (getxattr(path, "system.sockprotoname", name, sizeof(name) - 1) < 0)
		return false;
	return strcmp(name, "TCP") == 0 || strcmp(name, "TCPv6") == 0;
}

bool proc_entry_is_tcp(const struct proc_entry *entry, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/fd/%d", entry->dir, fd);
	return proc_fd_is_tcp(path);
}
