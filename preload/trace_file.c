/* SPDX-License-Identifier: MIT */
/* Makes the trace file and maps it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "clock.h"
#include "extents.h"
#include "kept.h"
#include "notice.h"
#include "options.h"
#include "proc.h"
#include "sys.h"
#include "text_build.h"
#include "trace_file.h"
#include "trace_mapping.h"

/* statfs f_type of file systems on which a committed page stays writable:
 * <linux/magic.h>, and XFS_SUPER_MAGIC of xfs's own header. Those that copy on write can
 * fail a store at any time. */
#define TYPE_TMPFS 0x01021994
#define TYPE_EXT4  0xef53
#define TYPE_XFS   0x58465342

static char session_dir[400];
static char file_path[440];

const char *trace_file_path(void)
{
	return file_path;
}

void trace_file_remove(void)
{
	if (!file_path[0])
		return;
	sys_call(SYS_unlinkat, AT_FDCWD, file_path, 0, 0);
	sys_call(SYS_unlinkat, AT_FDCWD, session_dir, AT_REMOVEDIR, 0);
}

void trace_file_check(void)
{
	if (!file_path[0] ||
	    sys_call(SYS_faccessat, AT_FDCWD, file_path, 0, 0) != -ENOENT)
		return;
	file_path[0] = 0;
	trace_map.header->flags |= CW_TRACE_PRIVATE;
	notice_add("the end that was announced did not come, and the trace is removed",
		   WITHOUT_FILE, NULL);
	notice_flush();
}

void trace_file_beside(char *path, unsigned room, const char *suffix)
{
	struct text_build b = text_build_in(path, room);
	const char *end = strstr(file_path, ".cwtrace");

	for (const char *p = file_path; end && p < end; p++)
		text_build_char(&b, *p);
	if (end)
		text_build_string(&b, suffix);
}

/* A directory that is ours alone: others could plant links in it. */
static bool private_dir(const char *path)
{
	struct stat st;
	long r = sys_call(SYS_mkdirat, AT_FDCWD, path, 0700, 0);

	if (r != 0 && r != -EEXIST)
		return false;
	if (sys_call(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	return S_ISDIR(st.st_mode) &&
	       st.st_uid == (uid_t)sys_call(SYS_geteuid, 0, 0, 0, 0) &&
	       !(st.st_mode & 022);
}

static bool good_file_system(int fd)
{
	struct statfs fs;

	if (sys_call(SYS_fstatfs, fd, &fs, 0, 0) != 0)
		return false;
	return fs.f_type == TYPE_TMPFS || fs.f_type == TYPE_EXT4 || fs.f_type == TYPE_XFS;
}

static int create_file(uint32_t *image)
{
	int fd = -EEXIST;

	for (*image = 0; fd == -EEXIST && *image < 1000; ++*image) {
		struct text_build b = text_build_in(file_path, sizeof file_path);

		text_build_string(&b, session_dir);
		text_build_char(&b, '/');
		text_build_number(&b, (uint64_t)sys_getpid());
		text_build_char(&b, '.');
		text_build_number(&b, *image);
		text_build_string(&b, ".cwtrace");
		if (!text_build_fits(&b))
			return -ENAMETOOLONG;
		fd = sys_open(file_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
		if (fd >= 0)
			return fd;
	}
	return fd;
}

/* Opens the file in `base`. Returns its descriptor, or -errno. */
static int open_in(const char *base, uint64_t pid_start, uint32_t *image)
{
	struct text_build b = text_build_in(session_dir, sizeof session_dir);
	int fd;

	if (!private_dir(base))
		return -EACCES;
	text_build_string(&b, base);
	text_build_char(&b, '/');
	text_build_number(&b, (uint64_t)sys_getpid());
	text_build_char(&b, '-');
	text_build_number(&b, pid_start);
	if (!text_build_fits(&b) || !private_dir(session_dir))
		return -EACCES;
	fd = create_file(image);
	if (fd >= 0 && !good_file_system(fd)) {
		sys_close(fd);
		trace_file_remove();
		return -EOPNOTSUPP;
	}
	return fd;
}

static void default_base(int nth, char *base, size_t room)
{
	struct text_build b = text_build_in(base, room);
	const char *runtime = proc_environment("XDG_RUNTIME_DIR");

	if (nth == 0) {
		if (!runtime || runtime[0] != '/')
			return;
		text_build_string(&b, runtime);
		text_build_string(&b, "/closewait");
	} else {
		text_build_string(&b,
				  nth == 1 ? "/dev/shm/closewait-" : "/tmp/closewait-");
		text_build_number(&b, (uint64_t)sys_call(SYS_geteuid, 0, 0, 0, 0));
	}
	if (!text_build_fits(&b))
		base[0] = 0;
}

static const char *reason(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return "its file system may fail a store (tmpfs, ext4 and xfs are taken)";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor is free";
	case -ENOSPC:
	case -EDQUOT:
		return "the file system is full";
	default:
		return "it cannot be written to by this user alone";
	}
}

/* Its maker's, who is us, or root, for those that its command becomes: then it is sticky. */
static bool session_usable(const char *path)
{
	struct stat st;

	if (sys_call(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISDIR(st.st_mode))
		return false;
	if (st.st_uid == 0 && st.st_mode & S_ISVTX)
		return true;
	return st.st_uid == (uid_t)sys_call(SYS_geteuid, 0, 0, 0, 0) &&
	       !(st.st_mode & 022);
}

/* In the directory that `closewait run` has made. */
static int open_in_session(uint32_t *image)
{
	struct text_build b = text_build_in(session_dir, sizeof session_dir);
	int fd = -EACCES;

	text_build_string(&b, options.session);
	if (session_usable(session_dir))
		fd = create_file(image);
	if (fd >= 0 && !good_file_system(fd)) {
		sys_close(fd);
		sys_call(SYS_unlinkat, AT_FDCWD, file_path, 0, 0);
		fd = -EOPNOTSUPP;
	}
	if (fd < 0)
		notice_add("session ", options.session, ": ", reason(fd), WITHOUT_FILE,
			   NULL);
	return fd;
}

static int open_file(uint64_t pid_start, uint32_t *image)
{
	char base[256];
	int fd = -ENOENT;

	if (options.session[0])
		return open_in_session(image);

	if (options.dir[0]) {
		fd = open_in(options.dir, pid_start, image);
		if (fd < 0)
			notice_add("dir ", options.dir, ": ", reason(fd), WITHOUT_FILE,
				   NULL);
		else
			kept_prune(options.dir);
		return fd;
	}
	for (int i = 0; fd < 0 && i < 3; i++) {
		default_base(i, base, sizeof base);
		if (base[0])
			fd = open_in(base, pid_start, image);
		if (fd >= 0)
			kept_prune(base);
	}
	if (fd < 0)
		notice_add("no directory for the trace (", base, ": ", reason(fd), ")",
			   WITHOUT_FILE, NULL);
	return fd;
}

static void copy(char *to, size_t room, const char *from)
{
	size_t size = strnlen(from, room - 1);

	memcpy(to, from, size);
	to[size] = 0;
}

static void fill_header(uint64_t image_started, uint64_t pid_start, uint32_t image,
			bool file)
{
	struct cw_header *h = trace_map.header;
	struct utsname names;

	h->version = CW_TRACE_VERSION;
	h->byte_order = CW_BYTE_ORDER;
	h->header_size = sizeof *h;
	h->extent_size = CW_EXTENT_SIZE;
	h->extent_count = (uint32_t)(trace_map.size / CW_EXTENT_SIZE);
	h->flags = file ? 0 : CW_TRACE_PRIVATE;
	h->size = trace_map.size;
	proc_boot_id(h->boot_id);
	h->started_mono = clock_ns();
	h->started_real = clock_real_ns();
	h->image_started = image_started;
	h->pid_start = pid_start;
	h->pid = (uint32_t)sys_getpid();
	h->image = image;
	h->grace = options.grace;
	h->slow_close = options.slow_close;
	copy(h->library_version, sizeof h->library_version, CW_VERSION);
	if (sys_call(SYS_uname, &names, 0, 0, 0) == 0) {
		copy(h->host, sizeof h->host, names.nodename);
		copy(h->kernel, sizeof h->kernel, names.release);
	}
	proc_executable(h->executable, sizeof h->executable);
	proc_command(h->command, sizeof h->command);
	copy(h->notes, sizeof h->notes, notice_text());
	memcpy(h->magic, CW_TRACE_MAGIC, sizeof h->magic);
}

static void reserve_head(void)
{
	for (size_t i = 0; i * CW_EXTENT_SIZE < trace_head_size(trace_map.size); i++)
		atomic_store(&trace_map.extents[i].tag,
			     (uint32_t)CW_EXTENT_RESERVED << 24);
}

bool trace_file_make(uint64_t image_started)
{
	uint64_t pid_start = proc_start_ticks();
	uint32_t image = 0;
	int fd = open_file(pid_start, &image);
	struct trace_mapping made;
	bool file = fd >= 0 && trace_map_file(fd, session_dir, &made);

	if (fd >= 0)
		sys_close(fd);
	if (!file) {
		trace_file_remove();
		file_path[0] = 0;
		if (!trace_map_private(&made))
			return false;
	}
	sys_madvise(made.bytes, made.size, MADV_DONTDUMP);
	trace_map.size = made.size;
	trace_map.populate = made.populate;
	trace_map.extents = (struct cw_extent *)(made.bytes + CW_EXTENT_TABLE_OFFSET);
	trace_map.header = (struct cw_header *)made.bytes;
	reserve_head();
	fill_header(image_started, pid_start, image, file);
	/* Last: what another thread forks meanwhile takes it for whole, or makes its own. */
	atomic_thread_fence(memory_order_release);
	trace_map.bytes = made.bytes;
	return true;
}
