/* SPDX-License-Identifier: MIT */
/*
 * A server that uses io_uring, without a library: each operation is submitted and waited for by
 * itself. It has four connections; each client sends a line and leaves.
 *
 * Usage: uring WAY [wait]   (77: the kernel refuses)
 *   healthy   accepts, reads up to EOF and closes by io_uring
 *   mixed     accepts by accept(), the rest as above
 *   leak      as mixed, but forgets one of them when its EOF was read
 *   silent    the same, and the client had sent nothing
 *   unread    accepts by accept(), reads nothing of one, forgets it
 *   raw       as leak, but by system calls of its own instead of io_uring
 *   wait: is ended from outside
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "loopback.h"
#include "out_of_sight.h"

#define CONNECTIONS 4
#define HOLD        60 /* ms */

#if defined(__x86_64__)
static long raw6(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#else
static long raw6(long number, long a, long b, long c, long d, long e, long f)
{
	long result = syscall(number, a, b, c, d, e, f);

	return result < 0 ? -errno : result;
}
#endif

static struct {
	int fd;
	struct io_uring_sqe *entries;
	_Atomic unsigned *submit_tail, *done_head;
	unsigned *submit_array, *submit_mask, *done_mask;
	struct io_uring_cqe *done;
} ring;

static void *map(size_t size, off_t what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			ring.fd, what);

	must(at != MAP_FAILED, "mmap");
	return at;
}

static void set_up(void)
{
	struct io_uring_params p = {0};
	char *submit, *done;

	ring.fd = (int)raw6(__NR_io_uring_setup, 4, (long)&p, 0, 0, 0, 0);
	if (ring.fd < 0)
		exit(77);
	submit =
		map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	done = map(p.cq_off.cqes + p.cq_entries * sizeof(*ring.done), IORING_OFF_CQ_RING);
	ring.entries = map(p.sq_entries * sizeof(*ring.entries), IORING_OFF_SQES);
	ring.submit_tail = (void *)(submit + p.sq_off.tail);
	ring.submit_mask = (void *)(submit + p.sq_off.ring_mask);
	ring.submit_array = (void *)(submit + p.sq_off.array);
	ring.done_head = (void *)(done + p.cq_off.head);
	ring.done_mask = (void *)(done + p.cq_off.ring_mask);
	ring.done = (void *)(done + p.cq_off.cqes);
}

/* Returns what the call of that name would, or -errno. */
static int perform(uint8_t operation, int fd, void *to, unsigned size)
{
	unsigned tail = *ring.submit_tail;
	unsigned head;
	int result;

	ring.entries[tail & *ring.submit_mask] = (struct io_uring_sqe){
		.opcode = operation,
		.fd = fd,
		.addr = (uint64_t)(uintptr_t)to,
		.len = size,
	};
	ring.submit_array[tail & *ring.submit_mask] = tail & *ring.submit_mask;
	*ring.submit_tail = tail + 1;
	must(raw6(__NR_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) == 1,
	     "io_uring_enter");
	head = *ring.done_head;
	result = ring.done[head & *ring.done_mask].res;
	*ring.done_head = head + 1;
	return result;
}

static int raw;

static int read_some(int fd, char *to, unsigned size)
{
	return raw ? (int)raw_call(SYS_read, fd, (long)to, size)
		   : perform(IORING_OP_RECV, fd, to, size);
}

static __attribute__((noinline)) int connect_to(int listener, const char *line)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	must(!connect(fd, (struct sockaddr *)&address, size), "connect");
	must(send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line), "send");
	return fd;
}

static __attribute__((noinline)) int take(int listener, int by_ring)
{
	int fd = by_ring ? perform(IORING_OP_ACCEPT, listener, NULL, 0)
			 : accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	return fd;
}

static __attribute__((noinline)) void serve(int listener, const char *way, int last)
{
	char buffer[64];
	int client = connect_to(listener, strcmp(way, "silent") ? "line\n" : "");
	int fd = take(listener, !strcmp(way, "healthy"));
	int leaks = last && strcmp(way, "healthy") && strcmp(way, "mixed");

	close(client);
	await_readable(fd);
	if (leaks && !strcmp(way, "unread"))
		return;
	while (read_some(fd, buffer, sizeof buffer) > 0)
		;
	if (!leaks)
		must((raw ? raw_close(fd) : perform(IORING_OP_CLOSE, fd, NULL, 0)) == 0,
		     "close");
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	struct pair first = pair_open();

	raw = !strcmp(way, "raw");
	if (!raw)
		set_up();
	close(first.client);
	close(first.server);
	for (int i = 1; i <= CONNECTIONS; i++)
		serve(first.listener, way, i == CONNECTIONS);
	hold(HOLD);
	puts("ready");
	fflush(stdout);
	while (argc > 2)
		pause();
	return 0;
}
