/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that make, connect and shut down sockets. */
#include "accepting.h"
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"

CW_HOOK int socket(int domain, int type, int protocol)
{
	int fd = real_get()->socket(domain, type, protocol);

	if (fd >= 0)
		lifecycle_socket(fd, domain, type, protocol, CW_ORIGIN_SOCKET);
	else
		lifecycle_open_failed();
	return fd;
}

CW_HOOK int socketpair(int domain, int type, int protocol, int fds[2])
{
	int r = real_get()->socketpair(domain, type, protocol, fds);

	if (r == 0) {
		lifecycle_socket(fds[0], domain, type, protocol, CW_ORIGIN_SOCKETPAIR);
		lifecycle_socket(fds[1], domain, type, protocol, CW_ORIGIN_SOCKETPAIR);
	} else {
		lifecycle_open_failed();
	}
	return r;
}

HOT CW_HOOK int accept(int listener, struct sockaddr *address, socklen_t *size)
{
	struct accepting a;
	int fd;

	accept_begin(&a, listener, address, size);
	fd = real_get()->accept(listener, a.address, a.size);
	accept_end(&a, listener, fd);
	return fd;
}

HOT CW_HOOK int accept4(int listener, struct sockaddr *address, socklen_t *size,
			int flags)
{
	struct accepting a;
	int fd;

	accept_begin(&a, listener, address, size);
	fd = real_get()->accept4(listener, a.address, a.size, flags);
	accept_end(&a, listener, fd);
	return fd;
}

CW_HOOK int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	uint64_t entry = lifecycle_entry(fd);
	int r = real_get()->connect(fd, address, size);

	lifecycle_connected(fd, entry, r, address, size);
	return r;
}

CW_HOOK int listen(int fd, int backlog)
{
	uint64_t entry = lifecycle_entry(fd);
	int r = real_get()->listen(fd, backlog);

	if (r == 0)
		lifecycle_listening(fd, entry);
	return r;
}

CW_HOOK int shutdown(int fd, int how)
{
	uint64_t entry = lifecycle_entry(fd);
	int r = real_get()->shutdown(fd, how);

	if (r == 0)
		lifecycle_shutdown(fd, entry, how);
	return r;
}
