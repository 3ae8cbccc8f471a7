/* SPDX-License-Identifier: MIT */
/* Reading /proc. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "host_process.h"
#include "proc_entry.h"
#include "trace/sort.h"

#define PATH_BYTES   64
#define SNAPSHOT_AGE 1000000000ull /* ns */

/* Reads a small file whole, as a string. Returns its size, or -1. */
static ssize_t read_text(const char *path, char *text, size_t size)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	return got;
}

/* The text of /proc/PID/stat, "" if there is none; of a thread's too. */
static void read_stat(pid_t pid, char *stat, size_t size)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_text(path, stat, size);
}

static bool thread_ends(pid_t thread)
{
	char stat[1024];

	read_stat(thread, stat, sizeof(stat));
	return proc_stat_ends(stat);
}

uint64_t host_process_start(pid_t pid)
{
	char stat[1024];

	read_stat(pid, stat, sizeof(stat));
	return proc_stat_start(stat);
}

bool host_process_ends(pid_t pid)
{
	char path[PATH_BYTES];
	AUTO_DIR DIR *tasks = NULL;
	struct dirent *task;

	if (!thread_ends(pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (task = readdir(tasks)))
		if (isdigit((unsigned char)*task->d_name) &&
		    !thread_ends((pid_t)strtol(task->d_name, NULL, 10)))
			return false;
	return true;
}

/* Its number in the innermost pid namespace that it lives in. */
static pid_t inner_pid(pid_t pid)
{
	char path[PATH_BYTES];
	char status[4096];
	char *line, *end;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_text(path, status, sizeof(status)) <= 0)
		return 0;
	line = strstr(status, "\nNSpid:");
	if (!line)
		return pid;
	end = strchrnul(line + 1, '\n');
	while (end > line && isdigit((unsigned char)end[-1]))
		end--;
	return (pid_t)strtol(end, NULL, 10);
}

int host_process_fd_slots(pid_t pid)
{
	char path[PATH_BYTES];
	char status[4096];
	char *line;
	int slots;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_text(path, status, sizeof(status)) <= 0)
		return INT_MAX;
	line = strstr(status, "\nFDSize:");
	return line && sscanf(line, "\nFDSize: %d", &slots) == 1 ? slots : INT_MAX;
}

static bool is_writer(const struct cw_process *process, pid_t pid)
{
	uint64_t start = host_process_start(pid);

	return start && cw_started_then(process->pid_start, start) &&
	       inner_pid(pid) == (pid_t)process->pid;
}

bool host_same_boot(const struct cw_header *header)
{
	static const uint8_t unknown[16];
	char text[64];
	uint8_t boot[16] = {0};
	int digits = 0;

	if (read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text)) <= 0 ||
	    memcmp(header->boot_id, unknown, sizeof(unknown)) == 0)
		return true;
	for (const char *c = text; *c && digits < 32; c++) {
		if (!isxdigit((unsigned char)*c))
			continue;
		boot[digits / 2] =
			(uint8_t)(boot[digits / 2] << 4 |
				  (*c <= '9' ? *c - '0' : (*c | 32) - 'a' + 10));
		digits++;
	}
	return memcmp(boot, header->boot_id, sizeof(boot)) == 0;
}

/* The processes of the machine by the time they started. */
struct snapshot {
	uint64_t taken; /* ns, monotonic; 0: never */
	struct started {
		uint64_t start;
		pid_t pid;
	} * processes;
	size_t count;
	size_t room;
};

static int by_start(const void *left, const void *right)
{
	const struct started *a = left;
	const struct started *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static int add(struct snapshot *snapshot, pid_t pid)
{
	if (snapshot->count == snapshot->room) {
		size_t room = snapshot->room ? 2 * snapshot->room : 256;
		struct started *processes =
			reallocarray(snapshot->processes, room, sizeof(*processes));

		if (!processes)
			return -1;
		snapshot->processes = processes;
		snapshot->room = room;
	}
	snapshot->processes[snapshot->count++] =
		(struct started){host_process_start(pid), pid};
	return 0;
}

static void take(struct snapshot *snapshot)
{
	AUTO_DIR DIR *proc = opendir("/proc");
	struct dirent *entry;

	snapshot->count = 0;
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && add(snapshot, pid) < 0)
			break;
	}
	if (snapshot->count)
		qsort(snapshot->processes, snapshot->count, sizeof(struct started),
		      by_start);
}

/* Going through /proc for each of a trace's processes would take minutes where there are
 * thousands of both: it is read once a second at most. */
static const struct snapshot *recent(void)
{
	static struct snapshot snapshot;
	struct timespec time;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
	if (!snapshot.taken || now - snapshot.taken > SNAPSHOT_AGE) {
		take(&snapshot);
		snapshot.taken = now;
	}
	return &snapshot;
}

/* The first of the snapshot that did not start before `start`. */
static size_t lower_bound(const struct snapshot *snapshot, uint64_t start)
{
	return sort_first(snapshot->processes, snapshot->count, sizeof(struct started),
			  start);
}

pid_t host_process_find(const struct cw_header *header, const struct cw_process *process)
{
	uint64_t start = process->pid_start;
	const struct snapshot *snapshot;

	if (!start || !host_same_boot(header))
		return 0;
	if (is_writer(process, (pid_t)process->pid))
		return (pid_t)process->pid;
	snapshot = recent();
	for (size_t i = lower_bound(snapshot, start);
	     i < snapshot->count && cw_started_then(start, snapshot->processes[i].start);
	     i++)
		if (is_writer(process, snapshot->processes[i].pid))
			return snapshot->processes[i].pid;
	return 0;
}

int host_process_socket(pid_t pid, int fd, uint64_t *inode)
{
	char path[PATH_BYTES];
	char target[64];
	ssize_t size;

	*inode = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		return -1;
	target[size] = '\0';
	sscanf(target, "socket:[%" SCNu64 "]", inode);
	return 0;
}

bool host_process_is_tcp(pid_t pid, int fd)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return proc_fd_is_tcp(path);
}
