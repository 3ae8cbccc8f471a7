/* SPDX-License-Identifier: MIT */
/*
 * Leaks a connection whose EOF was read, in a function that is called through code without unwind
 * information: "generated" by a program that was just written into memory, as compilers at run time
 * do; "restorer" by a signal, whose handler returns to code of this program's own; "general" by a
 * function that keeps no frame pointer in its register, but a pointer to two words of which the second
 * leads into this program's data (both x86_64).
 *
 * Usage: no_unwind_info HOLD_MS generated|restorer|general
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "loopback.h"

static __attribute__((noinline)) void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	must(!recv(pair.server, &byte, 1, 0), "EOF");
}

/* A frame pointer, room for variables, a call of the first argument. */
static const unsigned char code[] = {
#if defined(__x86_64__)
	0x55,                   /* push %rbp */
	0x48, 0x89, 0xe5,       /* mov %rsp, %rbp */
	0x48, 0x83, 0xec, 0x40, /* sub $64, %rsp */
	0xff, 0xd7,             /* call *%rdi */
	0xc9, 0xc3,             /* leave; ret */
#else
	0xfd, 0x7b, 0xbf, 0xa9, /* stp x29, x30, [sp, #-16]! */
	0xfd, 0x03, 0x00, 0x91, /* mov x29, sp */
	0x00, 0x00, 0x3f, 0xd6, /* blr x0 */
	0xfd, 0x7b, 0xc1, 0xa8, /* ldp x29, x30, [sp], #16 */
	0xc0, 0x03, 0x5f, 0xd6, /* ret */
#endif
};

static __attribute__((noinline)) void call_generated(void)
{
	volatile char frame[80] = {0};
	void *at = mmap(NULL, sizeof code, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	memcpy(at, code, sizeof code);
	__builtin___clear_cache(at, (char *)at + sizeof code);
	must(!mprotect(at, sizeof code, PROT_READ | PROT_EXEC), "mprotect");
	((void (*)(void (*)(void)))at)(leak);
	frame[1] = frame[0];
}

#if defined(__x86_64__)
__asm__(".text\n"
	"restorer: mov $15, %rax\n"
	"	syscall\n");
extern void restorer(void);

static void handler(int sig)
{
	(void)sig;
	leak();
}

static __attribute__((noinline)) void interrupted(void)
{
	/* struct sigaction of the kernel, <asm/signal.h>. */
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = {.handler = handler, .flags = 0x04000000, .restorer = restorer};

	must(!syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), "sigaction");
	must(!raise(SIGUSR1), "raise");
}

__asm__(".text\n"
	".type general, @function\n"
	"general: push %rbp\n"
	"	sub $32, %rsp\n"
	"	movq $1, (%rsp)\n"
	"	mov %rsi, 8(%rsp)\n"
	"	mov %rsp, %rbp\n"
	"	call *%rdi\n"
	"	add $32, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size general, . - general\n");
extern void general(void (*call)(void), const void *second);

static __attribute__((noinline)) void call_general(void)
{
	static char data[64];

	general(leak, data + sizeof data / 2);
	__asm__ volatile("");
}
#else
static void interrupted(void)
{
	exit(77);
}

static void call_general(void)
{
	exit(77);
}
#endif

int main(int argc, char **argv)
{
	must(argc == 3, "usage");
	if (strcmp(argv[2], "generated") == 0)
		call_generated();
	else if (strcmp(argv[2], "general") == 0)
		call_general();
	else
		interrupted();
	hold(atoi(argv[1]));
	return 0;
}
