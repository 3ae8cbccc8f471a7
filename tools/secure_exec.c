/* SPDX-License-Identifier: MIT */
/* Set-uid, set-gid and file capabilities, as far as they have an effect for us. */
#include <endian.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "secure_exec.h"

/* A nosuid mount, or no_new_privs in a sandbox, makes all of them void. */
static bool are_void(const char *path)
{
	struct statvfs fs;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	       (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID));
}

/* Inheritable ones alone raise nothing for an ordinary user. */
static bool has_capabilities(const char *path)
{
	struct vfs_ns_cap_data data = {0};
	ssize_t size = getxattr(path, "security.capability", &data, sizeof(data));

	if (size < (ssize_t)XATTR_CAPS_SZ_1)
		return false;
	if (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE)
		return true;
	return data.data[0].permitted ||
	       (size >= (ssize_t)XATTR_CAPS_SZ_2 && data.data[1].permitted);
}

enum secure_exec secure_exec_of(const char *path, id_t *id)
{
	struct stat st;

	if (stat(path, &st) < 0 || are_void(path))
		return SECURE_NO;
	*id = st.st_uid;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		return SECURE_SET_UID;
	*id = st.st_gid;
	/* Without S_IXGRP, S_ISGID used to mean mandatory locking. */
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		return SECURE_SET_GID;
	return getuid() != 0 && has_capabilities(path) ? SECURE_CAPABILITIES : SECURE_NO;
}
