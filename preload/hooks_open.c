/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that make, connect and shut down sockets. */
#include "hooks.h"
#include "lifecycle.h"

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

/* Where the program did not ask for the peer's address we do: the kernel has it at hand,
 * and a question later would be one system call more. */
struct peer {
	struct sockaddr_storage own;
	socklen_t own_size;
	struct sockaddr *address;
	socklen_t *size;
};

static void peer_begin(struct peer *p, struct sockaddr *address, socklen_t *size)
{
	bool asked = address && size;

	p->own_size = sizeof p->own;
	p->address = asked ? address : (struct sockaddr *)&p->own;
	p->size = asked ? size : &p->own_size;
}

static int peer_end(const struct peer *p, int listener, uint64_t entry, int fd,
		    socklen_t room)
{
	if (fd >= 0)
		lifecycle_accepted(listener, entry, fd, p->address,
				   *p->size < room ? *p->size : room);
	else
		lifecycle_open_failed();
	return fd;
}

CW_HOOK int accept(int listener, struct sockaddr *address, socklen_t *size)
{
	uint64_t entry = lifecycle_entry(listener);
	socklen_t room =
		address && size ? *size : (socklen_t)sizeof(struct sockaddr_storage);
	struct peer p;

	/* An address without a size is the program's error to get. */
	if (address && !size)
		return real_get()->accept(listener, address, size);
	peer_begin(&p, address, size);
	return peer_end(&p, listener, entry,
			real_get()->accept(listener, p.address, p.size), room);
}

CW_HOOK int accept4(int listener, struct sockaddr *address, socklen_t *size, int flags)
{
	uint64_t entry = lifecycle_entry(listener);
	socklen_t room =
		address && size ? *size : (socklen_t)sizeof(struct sockaddr_storage);
	struct peer p;

	if (address && !size)
		return real_get()->accept4(listener, address, size, flags);
	peer_begin(&p, address, size);
	return peer_end(&p, listener, entry,
			real_get()->accept4(listener, p.address, p.size, flags), room);
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
