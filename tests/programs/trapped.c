/* SPDX-License-Identifier: MIT */
/*
 * A function whose first instruction faults; the handler leaks a connection whose EOF was read. The
 * interrupted instruction, less one, would be in another function.
 *
 * Usage: trapped HOLD_MS
 */
#include <signal.h>

#include "loopback.h"

#if defined(__x86_64__)
#define TRAP "ud2"
#define STEP "nop"
#else
#define TRAP "udf #0"
#define STEP "nop"
#endif

#define FUNCTION(name, instruction)                               \
	".globl " name "\n.type " name ", %function\n" name ":\n" \
	"	.cfi_startproc\n	" instruction "\n"        \
	"	.cfi_endproc\n.size " name ", .-" name "\n"

__asm__(".text\n" FUNCTION("before_it", STEP) FUNCTION("trapped", TRAP));
void trapped(void);

static int hold_time;

static __attribute__((noinline)) void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	must(!recv(pair.server, &byte, 1, 0), "EOF");
}

static void handler(int sig)
{
	(void)sig;
	leak();
	hold(hold_time);
	exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};

	must(argc == 2, "usage");
	hold_time = atoi(argv[1]);
	must(!sigaction(SIGILL, &action, NULL), "sigaction");
	trapped();
	return 1;
}
