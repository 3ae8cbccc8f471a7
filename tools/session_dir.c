/* SPDX-License-Identifier: MIT */
/* Session directories: bases, making, removing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "complain.h"
#include "host_process.h"
#include "samples.h"
#include "session_dir.h"
#include "trace/format.h"

/* The file systems on which the library maps a file: <linux/magic.h>, and xfs's own header. */
#define TYPE_TMPFS 0x01021994
#define TYPE_EXT4  0xef53
#define TYPE_XFS   0x58465342

/* What the library keeps of the option (preload/options.h): a longer one would be cut. */
#define SESSION_PATH_BYTES 256u

bool session_base(int n, char *path, size_t room)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int size = -1;

	if (n == 0 && runtime && *runtime == '/')
		size = snprintf(path, room, "%s/closewait", runtime);
	else if (n == 1)
		size = snprintf(path, room, "/dev/shm/closewait-%u", geteuid());
	else if (n == 2)
		size = snprintf(path, room, "/tmp/closewait-%u", geteuid());
	return size >= 0 && (size_t)size < room;
}

/* Ours alone: others could plant links in it. Returns 0 or -errno. */
static int make_private(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid == geteuid() && !(st.st_mode & 022) ? 0 : -EPERM;
}

static int check_file_system(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	return fs.f_type == TYPE_TMPFS || fs.f_type == TYPE_EXT4 || fs.f_type == TYPE_XFS
		       ? 0
		       : -EOPNOTSUPP;
}

static int make_in(const char *base, char *path, size_t room)
{
	int error = make_private(base);

	if (!error)
		error = check_file_system(base);
	if (error)
		return error;
	if (room > SESSION_PATH_BYTES)
		room = SESSION_PATH_BYTES;
	if (snprintf(path, room, "%s/%d-%llu", base, getpid(),
		     (unsigned long long)host_process_start(getpid())) >= (int)room)
		return -ENAMETOOLONG;
	return make_private(path);
}

static const char *cause_of(int error)
{
	if (error == -EPERM)
		return "others may write to it, or own it";
	if (error == -ENAMETOOLONG)
		return "its path is too long to be told to the library";
	if (error == -EOPNOTSUPP)
		return "no file system for traces: tmpfs, ext4 and xfs are";
	return strerror(-error);
}

bool session_base_is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

/* What root's command becomes another user in must be able to leave its traces: the way to the
 * session is open, and it is a drop box, in which each can remove only its own. */
static int open_for_others(const char *session)
{
	AUTO_FREE char *base =
		strndup(session, (size_t)(strrchr(session, '/') - session));
	AUTO_FREE char *loaded = NULL;
	AUTO_FD int fd = -1;
	struct stat st;

	if (!base || asprintf(&loaded, "%s/%s", session, CW_LOADED_NAME) < 0)
		return -ENOMEM;
	fd = open(loaded, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	if (stat(base, &st) < 0 || chmod(base, (st.st_mode & 07777) | 0011) < 0 ||
	    fchmod(fd, 0622) < 0 || chmod(session, 01733) < 0)
		return -errno;
	return 0;
}

void session_seal(const char *path)
{
	chmod(path, 0700);
}

static int make_ready(const char *base, char *path, size_t room)
{
	int error = make_in(base, path, room);

	return error ? error : open_for_others(path);
}

/* The library needs the absolute path: the command may change directory. */
static int make_in_given(const char *base, char *path, size_t room)
{
	char absolute[PATH_MAX];

	if (mkdir(base, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (!realpath(base, absolute))
		return -errno;
	return make_ready(absolute, path, room);
}

int session_make(const char *base, char *path, size_t room)
{
	char chosen[PATH_MAX];
	int error = -ENOENT;

	if (base) {
		error = make_in_given(base, path, room);
		if (error)
			complain(base, cause_of(error));
		return error ? -1 : 0;
	}
	for (int i = 0; error && i < SESSION_BASES; i++)
		if (session_base(i, chosen, sizeof(chosen)))
			error = make_ready(chosen, path, room);
	if (error)
		complain(chosen, cause_of(error));
	return error ? -1 : 0;
}

/* PID.IMAGE.cwtrace and PID.IMAGE.report.txt, and what `closewait run` adds. */
static bool belongs_to_session(const char *name)
{
	static const char digits[] = "0123456789";
	size_t pid = strspn(name, digits);
	size_t image = name[pid] == '.' ? strspn(name + pid + 1, digits) : 0;
	const char *end = name + pid + 1 + image;

	if (strcmp(name, "session.json") == 0 || strcmp(name, CW_LOADED_NAME) == 0 ||
	    strcmp(name, SAMPLES_NAME) == 0)
		return true;
	return pid && image &&
	       (strcmp(end, ".cwtrace") == 0 || strcmp(end, ".report.txt") == 0);
}

/* Its name alone says little: 2024-01 is somebody's month. */
bool session_is_one(int fd)
{
	AUTO_DIR DIR *dir = NULL;
	struct dirent *entry;
	struct stat st;
	int copy;

	/* A drop box that nobody has sealed is one whose `closewait run` was killed. */
	if (fstat(fd, &st) < 0 || (st.st_mode & 077 && !(st.st_mode & S_ISVTX)))
		return false;
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir && copy >= 0)
		close(copy);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !belongs_to_session(entry->d_name))
			return false;
	return dir != NULL;
}

int session_open(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int remove_files(int fd)
{
	AUTO_DIR DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((entry = readdir(dir)))
		if (belongs_to_session(entry->d_name) &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			return -errno;
	return 0;
}

int session_remove(const char *path)
{
	int fd = session_open(path);
	int error = fd < 0 ? -errno : remove_files(fd);

	if (error)
		return error;
	return rmdir(path) < 0 ? -errno : 0;
}
