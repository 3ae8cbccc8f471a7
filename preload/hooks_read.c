/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that read. */
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"
#include "rights.h"

HOT CW_HOOK ssize_t recv(int fd, void *to, size_t size, int flags)
{
	struct transfer t;

	lifecycle_reading(&t, fd, size, flags, true);
	return lifecycle_read(&t, real.recv(fd, to, size, flags));
}

CW_HOOK ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags)
{
	struct transfer t;

	lifecycle_reading(&t, fd, size, flags, true);
	return lifecycle_read(&t, real.__recv_chk(fd, to, size, room, flags));
}

CW_HOOK ssize_t recvfrom(int fd, void *to, size_t size, int flags,
			 struct sockaddr *address, socklen_t *address_size)
{
	struct transfer t;

	lifecycle_reading(&t, fd, size, flags, true);
	return lifecycle_read(&t,
			      real.recvfrom(fd, to, size, flags, address, address_size));
}

CW_HOOK ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
			       struct sockaddr *address, socklen_t *address_size)
{
	struct transfer t;

	lifecycle_reading(&t, fd, size, flags, true);
	return lifecycle_read(&t, real.__recvfrom_chk(fd, to, size, room, flags, address,
						      address_size));
}

CW_HOOK ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct transfer t;
	ssize_t n;

	lifecycle_reading(&t, fd, 1, flags, true);
	n = real.recvmsg(fd, message, flags);
	if (n == 0)
		t.asked = room_in(message->msg_iov, message->msg_iovlen);
	lifecycle_read(&t, n);
	if (n >= 0)
		rights_received(message, flags);
	return n;
}

CW_HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		     struct timespec *timeout)
{
	struct transfer t;
	int n;

	lifecycle_reading(&t, fd, 1, flags, true);
	n = real.recvmmsg(fd, messages, count, flags, timeout);
	lifecycle_read_messages(&t, messages, n);
	for (int i = 0; i < n; i++)
		rights_received(&messages[i].msg_hdr, flags);
	return n;
}

HOT CW_HOOK ssize_t read(int fd, void *to, size_t size)
{
	struct transfer t;

	if (!lifecycle_reading(&t, fd, size, 0, false))
		return real.read(fd, to, size);
	return lifecycle_read(&t, real.read(fd, to, size));
}

CW_HOOK ssize_t __read_chk(int fd, void *to, size_t size, size_t room)
{
	struct transfer t;

	if (!lifecycle_reading(&t, fd, size, 0, false))
		return real.__read_chk(fd, to, size, room);
	return lifecycle_read(&t, real.__read_chk(fd, to, size, room));
}

CW_HOOK ssize_t readv(int fd, const struct iovec *parts, int count)
{
	struct transfer t;
	ssize_t n;

	if (!lifecycle_reading(&t, fd, 1, 0, false))
		return real.readv(fd, parts, count);
	n = real.readv(fd, parts, count);
	if (n == 0)
		t.asked = room_in(parts, (size_t)count);
	return lifecycle_read(&t, n);
}

/* With an offset of -1 they work on sockets. */
static ssize_t preadv_like(__typeof__(preadv64v2) *call, int fd,
			   const struct iovec *parts, int count, off64_t offset,
			   int flags)
{
	struct transfer t;
	ssize_t n;

	if (!call) {
		errno = ENOSYS;
		return -1;
	}
	if (!lifecycle_reading(&t, fd, 1, 0, false))
		return call(fd, parts, count, offset, flags);
	n = call(fd, parts, count, offset, flags);
	if (n == 0)
		t.asked = room_in(parts, (size_t)count);
	return lifecycle_read(&t, n);
}

CW_HOOK ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t offset,
			int flags)
{
	return preadv_like(real_get()->preadv2, fd, parts, count, offset, flags);
}

CW_HOOK ssize_t preadv64v2(int fd, const struct iovec *parts, int count, off64_t offset,
			   int flags)
{
	return preadv_like(real_get()->preadv64v2, fd, parts, count, offset, flags);
}
