/* SPDX-License-Identifier: MIT */
/*
 * Accepts with room for the peer's address of all kinds, good and bad, and prints what came of
 * it; then keeps the connections at their EOF.
 *
 * Usage: accept_room HOLD_MS
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "loopback.h"

static int listener;
static struct sockaddr_in bound;

static int (*libc_accept)(int fd, struct sockaddr *address, socklen_t *size) = accept;

static int raw_accept4(int fd, struct sockaddr *address, socklen_t *size)
{
	return (int)syscall(SYS_accept4, fd, address, size, 0);
}

static void port_print(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;

	must(!getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	printf("from port %d\n", ntohs(address.sin_port));
}

static void one(const char *what, int (*how)(int, struct sockaddr *, socklen_t *),
		void *address, socklen_t *size)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte;

	must(!connect(client, (struct sockaddr *)&bound, sizeof bound), "connect");
	errno = 0;
	fd = how(listener, address, size);
	printf("%s: %s, %s", what, fd >= 0 ? "accepted" : "refused", strerror(errno));
	if (fd >= 0 && size)
		printf(", size %d", (int)*size);
	printf("\n");
	if (fd >= 0)
		port_print(client);
	close(client);
	if (fd >= 0)
		must(recv(fd, &byte, 1, 0) == 0, "EOF");
}

static void all(const char *name, int (*how)(int, struct sockaddr *, socklen_t *))
{
	/* What follows the page cannot be touched. */
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	static socklen_t far;
	struct sockaddr_in address;
	socklen_t near;

	must(page != MAP_FAILED && !mprotect(page + 4096, 4096, PROT_NONE), "mmap");
	printf("%s\n", name);
	one("no address", how, NULL, NULL);
	one("a size alone", how, NULL, &(socklen_t){4});
	near = sizeof address;
	one("on the stack", how, &address, &near);
	far = sizeof address;
	one("elsewhere", how, &address, &far);
	near = 2;
	one("two bytes before the end", how, page + 4094, &near);
	far = 2;
	one("two bytes before the end, size elsewhere", how, page + 4094, &far);
	near = 0;
	one("no room", how, page + 4096, &near);
	far = (socklen_t)-1;
	one("negative", how, &address, &far);
	near = sizeof address;
	one("no address there", how, page + 4096, &near);
	one("no size", how, &address, NULL);
	one("a size at 16", how, &address, (socklen_t *)16);
	one("a size at -1", how, &address, (socklen_t *)(page + 4095));
}

int main(int argc, char **argv)
{
	socklen_t size = sizeof bound;

	if (argc != 2)
		return 2;
	bound = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(!bind(listener, (struct sockaddr *)&bound, size), "bind");
	must(!listen(listener, 16), "listen");
	must(!getsockname(listener, (struct sockaddr *)&bound, &size), "getsockname");
	all("accept", libc_accept);
	all("syscall", raw_accept4);
	printf("done\n");
	fflush(stdout);
	hold(atoi(argv[1]));
	return 0;
}
