/* SPDX-License-Identifier: MIT */
/*
 * Sockets are opened, used and closed on stacks as small as programs make them: the first
 * connection of the process on a thread's of 16 KiB, others by a handler on an alternate stack
 * of 8 KiB. Prints whether they went deeper than they might.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "loopback.h"

#define THREAD_STACK (16 * 1024)
#define THREAD_MAY   (12 * 1024)
#define SIGNAL_STACK (8 * 1024)
#define SIGNAL_MAY   (6 * 1024) /* the kernel's frame and lazy binding are 3.5 */
#define BELOW        4096 /* painted below the alternate stack: it must stay as it is */
#define PAINT        0x5a

static int listener;
static struct sockaddr_in address;

/* Lazy binding takes as much of the stack as a capture may. */
static __attribute__((noinline)) void use_sockets(void)
{
	char byte = 'x';
	int client = socket(AF_INET, SOCK_STREAM, 0), server;

	if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address))
		abort();
	server = accept(listener, NULL, NULL);
	if (send(client, &byte, 1, 0) != 1 || recv(server, &byte, 1, 0) != 1 ||
	    close(client) || recv(server, &byte, 1, 0) != 0 || close(server))
		abort();
}

static size_t untouched(const unsigned char *from, size_t size)
{
	size_t n = 0;

	while (n < size && from[n] == PAINT)
		n++;
	return n;
}

static unsigned char *painted(size_t size)
{
	unsigned char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	memset(at, PAINT, size);
	return at;
}

static void tell(const char *what, size_t used, size_t may)
{
	printf("%s: %zu bytes are enough: %s\n", what, may, used <= may ? "yes" : "no");
}

static void *thread(void *unused)
{
	socklen_t size = sizeof address;

	(void)unused;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 16) ||
	    getsockname(listener, (struct sockaddr *)&address, &size))
		abort();
	use_sockets();
	return NULL;
}

static void on_thread_stack(void)
{
	unsigned char *stack = painted(THREAD_STACK);
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	must(!pthread_attr_setstack(&attributes, stack, THREAD_STACK), "setstack");
	must(!pthread_create(&id, &attributes, thread, NULL), "pthread_create");
	pthread_join(id, NULL);
	tell("thread", THREAD_STACK - untouched(stack, THREAD_STACK), THREAD_MAY);
}

static void handler(int signal)
{
	(void)signal;
	use_sockets();
}

static void on_signal_stack(void)
{
	unsigned char *stack = painted(BELOW + SIGNAL_STACK);
	stack_t alternate = {.ss_sp = stack + BELOW, .ss_size = SIGNAL_STACK};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	must(!sigaltstack(&alternate, NULL), "sigaltstack");
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	raise(SIGUSR1);
	raise(SIGUSR1);
	tell("handler", BELOW + SIGNAL_STACK - untouched(stack, BELOW + SIGNAL_STACK),
	     SIGNAL_MAY);
}

int main(void)
{
	on_thread_stack();
	on_signal_stack();
	return 0;
}
