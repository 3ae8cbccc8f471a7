/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that read. */
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"
#include "rights.h"

HOT CW_HOOK ssize_t recv(int fd, void *to, size_t size, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->recv(fd, to, size, flags);

	lifecycle_read(fd, entry, n, &(struct reading){size, flags, true});
	return n;
}

CW_HOOK ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->__recv_chk(fd, to, size, room, flags);

	lifecycle_read(fd, entry, n, &(struct reading){size, flags, true});
	return n;
}

CW_HOOK ssize_t recvfrom(int fd, void *to, size_t size, int flags,
			 struct sockaddr *address, socklen_t *address_size)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->recvfrom(fd, to, size, flags, address, address_size);

	lifecycle_read(fd, entry, n, &(struct reading){size, flags, true});
	return n;
}

CW_HOOK ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
			       struct sockaddr *address, socklen_t *address_size)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->__recvfrom_chk(fd, to, size, room, flags, address,
					       address_size);

	lifecycle_read(fd, entry, n, &(struct reading){size, flags, true});
	return n;
}

CW_HOOK ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->recvmsg(fd, message, flags);
	size_t room = n == 0 ? room_in(message->msg_iov, message->msg_iovlen) : 1;

	lifecycle_read(fd, entry, n, &(struct reading){room, flags, true});
	if (n >= 0)
		rights_received(message, flags);
	return n;
}

CW_HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		     struct timespec *timeout)
{
	uint64_t entry = lifecycle_entry(fd);
	int n = real_get()->recvmmsg(fd, messages, count, flags, timeout);

	lifecycle_read_messages(fd, entry, messages, n, flags);
	for (int i = 0; i < n; i++)
		rights_received(&messages[i].msg_hdr, flags);
	return n;
}

HOT CW_HOOK ssize_t read(int fd, void *to, size_t size)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->read(fd, to, size);

	lifecycle_read(fd, entry, n, &(struct reading){size, 0, false});
	return n;
}

CW_HOOK ssize_t __read_chk(int fd, void *to, size_t size, size_t room)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->__read_chk(fd, to, size, room);

	lifecycle_read(fd, entry, n, &(struct reading){size, 0, false});
	return n;
}

CW_HOOK ssize_t readv(int fd, const struct iovec *parts, int count)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n = real_get()->readv(fd, parts, count);
	size_t room = entry && n == 0 ? room_in(parts, (size_t)count) : 1;

	lifecycle_read(fd, entry, n, &(struct reading){room, 0, false});
	return n;
}

/* With an offset of -1 they work on sockets. */
static ssize_t preadv_like(__typeof__(preadv64v2) *call, int fd,
			   const struct iovec *parts, int count, off64_t offset,
			   int flags)
{
	uint64_t entry = lifecycle_entry(fd);
	ssize_t n;
	size_t room;

	if (!call) {
		errno = ENOSYS;
		return -1;
	}
	n = call(fd, parts, count, offset, flags);
	room = entry && n == 0 ? room_in(parts, (size_t)count) : 1;
	lifecycle_read(fd, entry, n, &(struct reading){room, 0, false});
	return n;
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
