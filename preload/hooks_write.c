/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that write, or move bytes between descriptors. */
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"
#include "rights.h"

HOT CW_HOOK ssize_t send(int fd, const void *from, size_t size, int flags)
{
	struct transfer t;

	lifecycle_writing(&t, fd, true);
	return lifecycle_written(&t, real.send(fd, from, size, flags));
}

CW_HOOK ssize_t sendto(int fd, const void *from, size_t size, int flags,
		       const struct sockaddr *address, socklen_t address_size)
{
	struct transfer t;
	ssize_t n;

	lifecycle_writing(&t, fd, true);
	n = real.sendto(fd, from, size, flags, address, address_size);
	if (lifecycle_may_connect(flags, n))
		lifecycle_sent_connecting(fd, t.entry, n, address, address_size);
	return lifecycle_written(&t, n);
}

CW_HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	uint64_t before = lifecycle_moment();
	struct transfer t;
	ssize_t n;

	lifecycle_writing(&t, fd, true);
	n = real.sendmsg(fd, message, flags);
	if (n >= 0)
		rights_sent(message, before);
	if (lifecycle_may_connect(flags, n))
		lifecycle_sent_connecting(fd, t.entry, n, message->msg_name,
					  message->msg_namelen);
	return lifecycle_written(&t, n);
}

CW_HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	uint64_t before = lifecycle_moment();
	struct transfer t;
	int n;

	lifecycle_writing(&t, fd, true);
	n = real.sendmmsg(fd, messages, count, flags);
	lifecycle_written_messages(&t, messages, n);
	for (int i = 0; i < n; i++)
		rights_sent(&messages[i].msg_hdr, before);
	return n;
}

HOT CW_HOOK ssize_t write(int fd, const void *from, size_t size)
{
	struct transfer t;

	if (!lifecycle_writing(&t, fd, false))
		return real.write(fd, from, size);
	return lifecycle_written(&t, real.write(fd, from, size));
}

HOT CW_HOOK ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct transfer t;

	if (!lifecycle_writing(&t, fd, false))
		return real.writev(fd, parts, count);
	return lifecycle_written(&t, real.writev(fd, parts, count));
}

static ssize_t pwritev_like(__typeof__(pwritev64v2) *call, int fd,
			    const struct iovec *parts, int count, off64_t offset,
			    int flags)
{
	struct transfer t;

	if (!call) {
		errno = ENOSYS;
		return -1;
	}
	if (!lifecycle_writing(&t, fd, false))
		return call(fd, parts, count, offset, flags);
	return lifecycle_written(&t, call(fd, parts, count, offset, flags));
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
	struct transfer t;

	if (!lifecycle_writing(&t, to, false))
		return real.sendfile(to, from, offset, size);
	return lifecycle_written(&t, real.sendfile(to, from, offset, size));
}

CW_HOOK ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	struct transfer t;

	if (!lifecycle_writing(&t, to, false))
		return real.sendfile64(to, from, offset, size);
	return lifecycle_written(&t, real.sendfile64(to, from, offset, size));
}

/* One end is a pipe. 0 from a socket is its EOF. Of its relatives none takes from a socket: sendfile()
 * and copy_file_range() refuse one to read from, tee() both ways. */
CW_HOOK ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset,
		       size_t size, unsigned flags)
{
	struct transfer in;
	struct transfer out;
	bool reads = lifecycle_reading(&in, from, size, 0, false);
	bool writes = lifecycle_writing(&out, to, false);
	ssize_t n = real.splice(from, from_offset, to, to_offset, size, flags);

	if (reads)
		lifecycle_read(&in, n);
	if (writes)
		lifecycle_written(&out, n);
	return n;
}
