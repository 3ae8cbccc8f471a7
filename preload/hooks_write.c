/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that write, or move bytes between descriptors. */
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"
#include "rights.h"

HOT CW_HOOK ssize_t send(int fd, const void *from, size_t size, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->send(fd, from, size, flags);

	lifecycle_written(fd, entry, n, true);
	return n;
}

CW_HOOK ssize_t sendto(int fd, const void *from, size_t size, int flags,
		       const struct sockaddr *address, socklen_t address_size)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->sendto(fd, from, size, flags, address, address_size);

	if (lifecycle_may_connect(flags, n))
		lifecycle_sent_connecting(fd, entry, n, address, address_size);
	lifecycle_written(fd, entry, n, true);
	return n;
}

CW_HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	uint64_t before = lifecycle_moment();
	ssize_t n = real_get()->sendmsg(fd, message, flags);

	if (n >= 0)
		rights_sent(message, before);
	if (lifecycle_may_connect(flags, n))
		lifecycle_sent_connecting(fd, entry, n, message->msg_name,
					  message->msg_namelen);
	lifecycle_written(fd, entry, n, true);
	return n;
}

CW_HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	uint64_t before = lifecycle_moment();
	int n = real_get()->sendmmsg(fd, messages, count, flags);

	lifecycle_written_messages(fd, entry, messages, n);
	for (int i = 0; i < n; i++)
		rights_sent(&messages[i].msg_hdr, before);
	return n;
}

HOT CW_HOOK ssize_t write(int fd, const void *from, size_t size)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->write(fd, from, size);

	lifecycle_written(fd, entry, n, false);
	return n;
}

HOT CW_HOOK ssize_t writev(int fd, const struct iovec *parts, int count)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->writev(fd, parts, count);

	lifecycle_written(fd, entry, n, false);
	return n;
}

static ssize_t pwritev_like(__typeof__(pwritev64v2) *call, int fd,
			    const struct iovec *parts, int count, off64_t offset,
			    int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n;

	if (!call) {
		errno = ENOSYS;
		return -1;
	}
	n = call(fd, parts, count, offset, flags);
	lifecycle_written(fd, entry, n, false);
	return n;
}

CW_HOOK ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset,
			 int flags)
{
	return pwritev_like(real_get()->pwritev2, fd, parts, count, offset, flags);
}

CW_HOOK ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset,
			    int flags)
{
	return pwritev_like(real_get()->pwritev64v2, fd, parts, count, offset, flags);
}

CW_HOOK ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
	uint64_t entry = lifecycle_entry(to);
	ssize_t n = real_get()->sendfile(to, from, offset, size);

	lifecycle_written(to, entry, n, false);
	return n;
}

CW_HOOK ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	uint64_t entry = lifecycle_entry(to);
	ssize_t n = real_get()->sendfile64(to, from, offset, size);

	lifecycle_written(to, entry, n, false);
	return n;
}

/* One end is a pipe. 0 from a socket is its EOF. Of its relatives none takes from a socket: sendfile()
 * and copy_file_range() refuse one to read from, tee() both ways. */
CW_HOOK ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset,
		       size_t size, unsigned flags)
{
	uint64_t read_entry = lifecycle_entry(from);
	uint64_t write_entry = lifecycle_entry(to);
	ssize_t n = real_get()->splice(from, from_offset, to, to_offset, size, flags);

	if (read_entry)
		lifecycle_read(from, read_entry, n, &(struct reading){size, 0, false});
	if (write_entry)
		lifecycle_written(to, write_entry, n, false);
	return n;
}
