/* SPDX-License-Identifier: MIT */
/*
 * Two threads make children at a time: one by fork(), one by the system call, of which libc is not
 * told. Each child leaks a connection. Prints the pids of the children.
 *
 * Usage: two_forkers CHILDREN: of each thread
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

#define HOLD 60 /* ms */
#define TOUCHED \
	(128ul  \
	 << 20) /* bytes, whose page tables a fork copies for a millisecond or more */
#define MANY_MAX 100

static int many;

struct forker {
	pid_t (*make)(void);
	pid_t made[MANY_MAX];
};

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* No stdio: its locks may be the other thread's. */
static void leak(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	close(pair.listener);
	hold(HOLD);
	_exit(0);
}

static void *make_many(void *context)
{
	struct forker *forker = context;

	for (int i = 0; i < many; i++) {
		forker->made[i] = forker->make();
		must(forker->made[i] >= 0, "fork");
		if (!forker->made[i])
			leak();
	}
	return NULL;
}

static void reap(const struct forker *forker)
{
	int status;

	for (int i = 0; i < many; i++) {
		must(waitpid(forker->made[i], &status, 0) == forker->made[i] && !status,
		     "a child");
		printf("%d\n", (int)forker->made[i]);
	}
}

int main(int argc, char **argv)
{
	static struct forker forkers[] = {{.make = fork}, {.make = raw_fork}};
	pthread_t threads[2];
	void *memory = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	many = argc > 1 ? atoi(argv[1]) : 0;
	must(many <= MANY_MAX, "so many");
	must(memory != MAP_FAILED, "mmap");
	madvise(memory, TOUCHED, MADV_NOHUGEPAGE);
	memset(memory, 1, TOUCHED);
	close(socket(AF_INET, SOCK_STREAM, 0)); /* the trace is there */
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&threads[i], NULL, make_many, &forkers[i]),
		     "pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		reap(&forkers[i]);
	return 0;
}
