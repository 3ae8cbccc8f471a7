/* SPDX-License-Identifier: MIT */
/* Sockets without a kernel. */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/sys.h"
#include "stub.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void stub_begin(int first, int each, int backed);

static int numbers_first;
static int numbers_each;
static _Atomic int threads;

/* A stack of the numbers that are free; the lowest first, as the kernel gives them. */
static __thread int *free_numbers __attribute__((tls_model("initial-exec")));
static __thread int free_count __attribute__((tls_model("initial-exec")));

static struct {
	int (*accept)(int, struct sockaddr *, socklen_t *);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*write)(int, const void *, size_t);
	int (*dup)(int);
	int (*close)(int);
} next;

__attribute__((constructor)) static void resolve(void)
{
	next.accept = (__typeof__(next.accept))dlsym(RTLD_NEXT, "accept");
	next.accept4 = (__typeof__(next.accept4))dlsym(RTLD_NEXT, "accept4");
	next.recv = (__typeof__(next.recv))dlsym(RTLD_NEXT, "recv");
	next.read = (__typeof__(next.read))dlsym(RTLD_NEXT, "read");
	next.send = (__typeof__(next.send))dlsym(RTLD_NEXT, "send");
	next.write = (__typeof__(next.write))dlsym(RTLD_NEXT, "write");
	next.dup = (__typeof__(next.dup))dlsym(RTLD_NEXT, "dup");
	next.close = (__typeof__(next.close))dlsym(RTLD_NEXT, "close");
}

/* Our end of a connection over loopback that the peer has closed, made by system calls of our
 * own: no hook hears of it. */
static int connection(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	long listener = sys_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);
	long client = sys_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);

	if (sys_call(SYS_bind, listener, &address, size, 0) ||
	    sys_call(SYS_listen, listener, 1, 0, 0) ||
	    sys_call(SYS_getsockname, listener, &address, &size, 0) ||
	    sys_call(SYS_connect, client, &address, size, 0))
		abort();
	sys_close((int)client);
	return (int)sys_call(SYS_accept4, listener, 0, 0, 0);
}

void stub_begin(int first, int each, int backed)
{
	int real = backed ? connection() : -1;

	for (int i = 0; i < backed; i++) {
		if (sys_call(SYS_dup3, real, first + i, 0, 0) != first + i)
			abort();
	}
	numbers_each = each;
	numbers_first = first;
}

static int is_ours(int fd)
{
	return numbers_first && fd >= numbers_first;
}

static void fill(void)
{
	size_t size = (size_t)numbers_each * sizeof *free_numbers;
	int base = numbers_first + atomic_fetch_add(&threads, 1) * numbers_each;

	free_numbers = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (free_numbers == MAP_FAILED)
		abort();
	while (free_count < numbers_each) {
		free_numbers[free_count] = base + numbers_each - 1 - free_count;
		free_count++;
	}
}

static int take(void)
{
	if (!free_numbers)
		fill();
	if (free_count)
		return free_numbers[--free_count];
	errno = EMFILE;
	return -1;
}

static int accepted(struct sockaddr *address, socklen_t *size)
{
	static const struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = 1};

	if (address && *size >= sizeof peer) {
		memcpy(address, &peer, sizeof peer);
		*size = sizeof peer;
	}
	return take();
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return numbers_first ? accepted(address, size) : next.accept(fd, address, size);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return numbers_first ? accepted(address, size)
			     : next.accept4(fd, address, size, flags);
}

static ssize_t come(size_t size)
{
	return size == 1 ? 0 : (ssize_t)size;
}

EXPORT ssize_t recv(int fd, void *to, size_t size, int flags)
{
	return is_ours(fd) ? come(size) : next.recv(fd, to, size, flags);
}

EXPORT ssize_t read(int fd, void *to, size_t size)
{
	return is_ours(fd) ? come(size) : next.read(fd, to, size);
}

EXPORT ssize_t send(int fd, const void *from, size_t size, int flags)
{
	return is_ours(fd) ? (ssize_t)size : next.send(fd, from, size, flags);
}

EXPORT ssize_t write(int fd, const void *from, size_t size)
{
	return is_ours(fd) ? (ssize_t)size : next.write(fd, from, size);
}

EXPORT int dup(int fd)
{
	return is_ours(fd) ? take() : next.dup(fd);
}

EXPORT int close(int fd)
{
	if (!is_ours(fd))
		return next.close(fd);
	free_numbers[free_count++] = fd;
	return 0;
}
