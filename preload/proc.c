/* SPDX-License-Identifier: MIT */
/* Reads what the library needs of /proc. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "clock.h"
#include "mapped_file.h"
#include "proc.h"
#include "sys.h"
#include "text_build.h"
#include "trace/format.h"

/* The whole of a small file; the bytes read, 0 if it cannot be. Always NUL-terminated. */
static size_t read_file(const char *path, char *to, size_t room)
{
	int fd = sys_open(path, O_RDONLY, 0);
	size_t used = 0;
	ssize_t n = 0;

	to[0] = 0;
	if (fd < 0)
		return 0;
	while (used < room - 1 && (n = sys_read(fd, to + used, room - 1 - used)) > 0)
		used += (size_t)n;
	sys_close(fd);
	to[used] = 0;
	return used;
}

/* The command in field 2 may hold spaces and parentheses: count from the last one. */
static uint64_t field_of(const char *stat, int wanted)
{
	const char *p = strrchr(stat, ')');
	uint64_t value = 0;

	for (int field = 2; p && field < wanted; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	for (; p && *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	return value;
}

static uint64_t start_ticks_in(const char *stat)
{
	return field_of(stat, 22);
}

uint64_t proc_start_ticks(void)
{
	char stat[1024];

	read_file("/proc/self/stat", stat, sizeof stat);
	return start_ticks_in(stat);
}

/* As fs/proc/array.c makes them of the task's start_boottime, in the same time namespace. */
uint64_t proc_ticks_now(void)
{
	/* Asked once: a child would have to find the page with the function again. */
	static _Atomic uint64_t tick;
	uint64_t ns = atomic_load_explicit(&tick, memory_order_relaxed);

	if (!ns) {
		unsigned long hz = getauxval(AT_CLKTCK);

		ns = hz ? 1000000000u / hz : UINT64_MAX;
		atomic_store_explicit(&tick, ns, memory_order_relaxed);
	}
	return clock_of(CLOCK_BOOTTIME) / ns;
}

uint64_t proc_start_ticks_since(uint64_t before)
{
	return before && cw_started_then(before, proc_ticks_now()) ? before
								   : proc_start_ticks();
}

uint64_t proc_threads(void)
{
	char stat[1024];

	read_file("/proc/self/stat", stat, sizeof stat);
	return field_of(stat, 20);
}

static void read_stat_of(uint64_t pid, char *stat, size_t room)
{
	char path[40];
	struct text_build b = text_build_in(path, sizeof path);

	text_build_string(&b, "/proc/");
	text_build_number(&b, pid);
	text_build_string(&b, "/stat");
	read_file(path, stat, room);
}

uint64_t proc_start_ticks_of(uint64_t pid)
{
	char stat[1024];

	read_stat_of(pid, stat, sizeof stat);
	return start_ticks_in(stat);
}

/* Is /proc the one of our pid namespace? */
static bool proc_is_ours(void)
{
	char self[24];
	long n = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self", self, sizeof self - 1);
	long pid = 0;

	for (long i = 0; i < n; i++)
		pid = pid * 10 + (self[i] - '0');
	return n > 0 && pid == sys_getpid();
}

/* A leader that has ended shows as a zombie while its other threads run. */
static bool is_zombie(const char *stat)
{
	const char *p = strrchr(stat, ')');

	return p && p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X') &&
	       field_of(stat, 20) <= 1;
}

bool proc_exists(uint32_t pid)
{
	return sys_call(SYS_kill, pid, 0, 0, 0) != -ESRCH;
}

bool proc_gone(uint32_t pid, uint64_t start_ticks)
{
	char stat[512];

	if (!proc_exists(pid))
		return true;
	if (!proc_is_ours())
		return false;
	read_stat_of(pid, stat, sizeof stat);
	if (!strrchr(stat, ')'))
		return false;
	return is_zombie(stat) ||
	       (start_ticks && !cw_started_then(start_ticks, start_ticks_in(stat)));
}

uint32_t proc_pid_namespace(void)
{
	struct stat st;

	return sys_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &st, 0) == 0
		       ? (uint32_t)st.st_ino
		       : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void proc_boot_id(uint8_t id[16])
{
	char text[64];
	int n = 0;

	memset(id, 0, 16);
	read_file("/proc/sys/kernel/random/boot_id", text, sizeof text);
	for (const char *p = text; *p && n < 32; p++) {
		int digit = hex_digit(*p);

		if (digit < 0)
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | digit);
		n++;
	}
}

void proc_executable(char *to, size_t room)
{
	long n;

	/* The loader was run with the program as its argument: it tells where that lies. */
	if (!getauxval(AT_BASE)) {
		mapped_file(getauxval(AT_ENTRY), to, room);
		if (*to)
			return;
	}
	n = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", to, room - 1);
	to[n > 0 ? n : 0] = 0;
}

void proc_command(char *to, size_t room)
{
	size_t n = read_file("/proc/self/cmdline", to, room);

	while (n && to[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)to[i];

		if (c == 0)
			to[i] = ' ';
		else if (c < ' ' || c == 127)
			to[i] = '?';
	}
}

const char *proc_environment(const char *name)
{
	size_t size = strlen(name);

	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, name, size) == 0 && (*e)[size] == '=')
			return *e + size + 1;
	}
	return NULL;
}

bool proc_is_init(void)
{
	return sys_getpid() == 1;
}

struct linux_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t size;
	uint8_t type;
	char name[];
};

int proc_each_entry(const char *path, void (*each)(void *context, const char *name),
		    void *context)
{
	char buffer[2048] __attribute__((aligned(8)));
	int fd = sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	long n;

	if (fd < 0)
		return fd;
	while ((n = sys_call(SYS_getdents64, fd, buffer, sizeof buffer, 0)) > 0) {
		for (long at = 0; at < n;) {
			struct linux_dirent *entry = (struct linux_dirent *)(buffer + at);

			if (strcmp(entry->name, ".") != 0 &&
			    strcmp(entry->name, "..") != 0)
				each(context, entry->name);
			at += entry->size;
		}
	}
	sys_close(fd);
	return 0;
}

static void count_one(void *context, const char *name)
{
	(void)name;
	++*(uint32_t *)context;
}

/* Linux 6.2 tells the number as the directory's size, before it is 0. Reading the directory makes
 * an inode for each of them: 4 us, of which 100,000 are felt. */
static uint32_t size_of_fds(void)
{
	struct stat st;

	if (sys_call(SYS_newfstatat, AT_FDCWD, "/proc/self/fd", &st, 0) != 0 ||
	    st.st_size <= 0)
		return 0;
	return (uint32_t)st.st_size;
}

uint32_t proc_count_fds(void)
{
	uint32_t count = size_of_fds();

	if (count)
		return count;
	/* The one that reads the directory is among them. */
	if (proc_each_entry("/proc/self/fd", count_one, &count) != 0 || count == 0)
		return 0;
	return count - 1;
}
