/* SPDX-License-Identifier: MIT */
/*
 * Children with threads open, use, copy and close sockets at random and fork children of their
 * own, while the first process kills some of them with SIGKILL at any moment. Each process counts
 * what it has done, in memory that all share; in the end a line is written for each:
 *
 *   PID OPENED CLOSED IN_FLIGHT
 *
 * where IN_FLIGHT is how many of its threads may have been killed in the middle of something.
 *
 * Usage: torture MILLISECONDS SEED FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "loopback.h"

#define SLOTS    (1u << 18)
#define CHILDREN 4
#define THREADS  3

struct slot {
	_Atomic int pid;
	_Atomic unsigned opened;
	_Atomic unsigned closed;
	_Atomic unsigned threads;
	_Atomic unsigned ended; /* no thread was in the middle of anything */
};

static struct {
	_Atomic unsigned used;
	struct slot slots[SLOTS];
} *shared;

static struct slot *own;
static _Atomic int stop;

struct dice {
	unsigned long state;
};

/* Knuth's MMIX generator. */
static unsigned roll(struct dice *d, unsigned below)
{
	d->state = d->state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(d->state >> 33) % below;
}

static void slot_take(void)
{
	unsigned i = atomic_fetch_add(&shared->used, 1);

	if (i >= SLOTS)
		_exit(3);
	own = &shared->slots[i];
	own->threads = 1;
	own->pid = getpid();
}

/* A listener of this process's own, that no port is spent on. */
static int listener_open(struct sockaddr_un *address, socklen_t *size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	own->opened++;
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	*size = sizeof address->sun_family; /* the kernel chooses a name */
	must(!bind(fd, (struct sockaddr *)address, *size) && !listen(fd, 64), "listen");
	*size = sizeof *address;
	must(!getsockname(fd, (struct sockaddr *)address, size), "getsockname");
	return fd;
}

static void hang_up(int fd, struct dice *d)
{
	must(!(roll(d, 4) ? close(fd) : (int)syscall(SYS_close, fd)), "close");
	own->closed++;
}

static void connected(struct dice *d, int ends[2])
{
	struct sockaddr_un address;
	socklen_t size;
	int listener;

	if (roll(d, 3)) {
		must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
		own->opened += 2;
		return;
	}
	listener = listener_open(&address, &size);
	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	must(ends[0] >= 0, "socket");
	own->opened++;
	must(!connect(ends[0], (struct sockaddr *)&address, size), "connect");
	ends[1] = accept(listener, NULL, NULL);
	must(ends[1] >= 0, "accept");
	own->opened++;
	hang_up(listener, d);
}

/* The socket goes on under another number. */
static int moved(int fd, struct dice *d)
{
	int copy = roll(d, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 3 + roll(d, 200));

	must(copy >= 0 && !close(fd), "dup");
	return copy;
}

static __attribute__((noinline)) void one_round(struct dice *d, int depth)
{
	volatile char frame[32] = {0};
	char byte = 'x';
	int ends[2];

	if (depth) {
		one_round(d, depth - 1);
		frame[1] = frame[0];
		return;
	}
	connected(d, ends);
	if (roll(d, 2)) {
		must(write(ends[0], &byte, 1) == 1, "write");
		must(read(ends[1], &byte, 1) == 1, "read");
	}
	if (roll(d, 3) == 0)
		ends[1] = moved(ends[1], d);
	hang_up(ends[0], d);
	if (roll(d, 2))
		must(recv(ends[1], &byte, 1, 0) == 0, "EOF");
	hang_up(ends[1], d);
}

static void *churn(void *seed)
{
	struct dice d = {(unsigned long)seed};

	while (!stop)
		one_round(&d, (int)roll(&d, 12));
	return NULL;
}

static void grandchild(struct dice *d)
{
	slot_take();
	for (unsigned i = 0; i < 5; i++)
		one_round(d, 2);
	own->ended = 1;
	_exit(0);
}

/* Some end with their threads in the middle of things. */
static void child(unsigned long seed)
{
	struct dice d = {seed};
	pthread_t threads[THREADS];

	slot_take();
	own->threads = 1 + THREADS;
	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, churn,
				     (void *)(seed * 8 + (unsigned)i)),
		     "pthread_create");
	for (unsigned i = 0, rounds = roll(&d, 200); i < rounds; i++) {
		one_round(&d, 1);
		if (roll(&d, 40) == 0 && fork() == 0)
			grandchild(&d);
	}
	if (roll(&d, 4) == 0)
		_exit(0);
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	own->ended = 1;
	if (roll(&d, 4) == 0)
		raise(SIGTERM);
	exit(0);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned killed;

/* Keeps the children alive, and each not for long. Those of theirs that are orphaned are ours. */
static void herd(long until, unsigned long seed)
{
	struct dice d = {seed};
	pid_t pids[CHILDREN] = {0};

	while (now_ms() < until) {
		int i = (int)roll(&d, CHILDREN);
		struct timespec a_while = {0, (long)roll(&d, 3000000)};
		pid_t pid;

		if (!pids[i]) {
			pids[i] = fork();
			must(pids[i] >= 0, "fork");
			if (!pids[i])
				child(seed + now_ms() % 1000 * 64 + (unsigned)i);
		} else if (roll(&d, 3) == 0) {
			killed += !kill(pids[i], SIGKILL);
		}
		one_round(&d, 1);
		nanosleep(&a_while, NULL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
			for (i = 0; i < CHILDREN; i++)
				pids[i] = pids[i] == pid ? 0 : pids[i];
		}
	}
	for (int i = 0; i < CHILDREN; i++) {
		if (pids[i])
			kill(pids[i], SIGKILL);
	}
	while (wait(NULL) > 0 || errno != ECHILD)
		;
}

static void write_slots(const char *path)
{
	FILE *file = fopen(path, "w");

	must(file != NULL, path);
	for (unsigned i = 0; i < shared->used; i++) {
		const struct slot *s = &shared->slots[i];

		if (s->pid)
			fprintf(file, "%d %u %u %u\n", s->pid, s->opened, s->closed,
				s->ended ? 0 : s->threads);
	}
	must(!fclose(file), path);
}

int main(int argc, char **argv)
{
	unsigned long seed;

	if (argc < 4)
		return 2;
	seed = strtoul(argv[2], NULL, 10);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(shared != MAP_FAILED, "mmap");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	slot_take();
	herd(now_ms() + atol(argv[1]), seed);
	own->ended = 1;
	write_slots(argv[3]);
	printf("processes %u killed %u\n", shared->used, killed);
	return 0;
}
