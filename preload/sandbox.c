/* SPDX-License-Identifier: MIT */
/* Runs seccomp's filters. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "books.h"
#include "notice.h"
#include "sandbox.h"
#include "sys.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* <linux/mman.h>, Linux 5.14 */
#endif

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

/* What the library calls, with the arguments that filters look at. The first few are what writing a
 * notice takes. */
#define FOR_NOTICE 3
static const struct {
	int number;
	uint64_t arguments[4];
} ours[] = {
	{SYS_write, {2}},
#ifdef SYS_fstat
	{SYS_fstat, {2}},
#else
	{SYS_newfstatat, {2}},
#endif
	{SYS_getsockopt, {2, SOL_SOCKET, SO_DOMAIN}},
	{SYS_getsockopt, {3, SOL_SOCKET, SO_COOKIE}},
	{SYS_getsockopt, {3, SOL_SOCKET, SO_TYPE}},
	{SYS_getsockopt, {3, IPPROTO_TCP, TCP_INFO}},
	{SYS_getsockname, {3}},
	{SYS_getpeername, {3}},
	{SYS_ioctl, {3, FIONREAD}},
	{SYS_ppoll, {0}},
	{SYS_rt_sigprocmask, {SIG_SETMASK}},
	{SYS_rt_sigprocmask, {-1}}, /* stack_memory.c */
	{SYS_prctl, {PR_GET_NAME}},
	{SYS_gettid, {0}},
	{SYS_getpid, {0}},
	{SYS_madvise, {0, 1, MADV_POPULATE_WRITE}},
	{SYS_mmap, {0, 1, PROT_READ | PROT_WRITE, PRIVATE}},
	{SYS_mmap, {0, 1, PROT_READ, MAP_PRIVATE}},
	{SYS_munmap, {0}},
	{SYS_openat, {(uint64_t)AT_FDCWD}},
	{SYS_newfstatat, {(uint64_t)AT_FDCWD}},
	{SYS_read, {3}},
	{SYS_close, {3}},
	{SYS_getdents64, {3}},
	{SYS_readlinkat, {(uint64_t)AT_FDCWD}},
	{SYS_unlinkat, {(uint64_t)AT_FDCWD}},
	{SYS_prlimit64, {0}},
};

struct machine {
	const struct seccomp_data *data;
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
};

static uint32_t loaded(const struct machine *m, const struct sock_filter *f)
{
	uint32_t value = 0;

	switch (BPF_MODE(f->code)) {
	case BPF_ABS: /* the kernel took it: aligned and within */
		memcpy(&value, (const uint8_t *)m->data + f->k, sizeof value);
		return value;
	case BPF_MEM:
		return m->memory[f->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof *m->data;
	default:
		return f->k;
	}
}

static uint32_t computed(uint32_t a, uint32_t by, uint16_t code)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + by;
	case BPF_SUB:
		return a - by;
	case BPF_MUL:
		return a * by;
	case BPF_DIV:
		return by ? a / by : 0;
	case BPF_OR:
		return a | by;
	case BPF_AND:
		return a & by;
	case BPF_LSH:
		return a << (by & 31);
	case BPF_RSH:
		return a >> (by & 31);
	case BPF_XOR:
		return a ^ by;
	default:
		return -a;
	}
}

static uint32_t jumped(const struct machine *m, const struct sock_filter *f)
{
	uint32_t with = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_JA:
		return f->k;
	case BPF_JEQ:
		return m->a == with ? f->jt : f->jf;
	case BPF_JGT:
		return m->a > with ? f->jt : f->jf;
	case BPF_JGE:
		return m->a >= with ? f->jt : f->jf;
	default:
		return m->a & with ? f->jt : f->jf;
	}
}

static void compute(struct machine *m, const struct sock_filter *f)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
		m->a = loaded(m, f);
		break;
	case BPF_LDX:
		m->x = loaded(m, f);
		break;
	case BPF_ST:
		m->memory[f->k % BPF_MEMWORDS] = m->a;
		break;
	case BPF_STX:
		m->memory[f->k % BPF_MEMWORDS] = m->x;
		break;
	case BPF_ALU:
		m->a = computed(m->a, BPF_SRC(f->code) == BPF_X ? m->x : f->k, f->code);
		break;
	default:
		if (BPF_MISCOP(f->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
	}
}

/* Jumps lead forwards only. */
static uint32_t run(const struct sock_fprog *program, const struct seccomp_data *data)
{
	struct machine m = {.data = data};

	for (uint32_t at = 0; at < program->len; at++) {
		const struct sock_filter *f = &program->filter[at];

		if (BPF_CLASS(f->code) == BPF_RET)
			return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		if (BPF_CLASS(f->code) == BPF_JMP)
			at += jumped(&m, f);
		else
			compute(&m, f);
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static bool is_harmless(const struct sock_fprog *program, size_t which)
{
	struct seccomp_data data = {.nr = ours[which].number, .arch = ARCHITECTURE};
	uint32_t action;

	for (size_t i = 0; i < 4; i++)
		data.args[i] = ours[which].arguments[i];
	action = run(program, &data) & SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_ERRNO ||
	       action == SECCOMP_RET_LOG;
}

bool sandbox_matters(void)
{
	return books && !books_in_vfork_child();
}

void sandbox_strict(void)
{
	books_give_up();
}

void sandbox_filtered(const void *program)
{
	const size_t count = sizeof ours / sizeof *ours;
	size_t harmless = 0;

	while (harmless < count && is_harmless(program, harmless))
		harmless++;
	if (harmless == count)
		return;
	books_give_up();
	notice_add("this process may not make the system calls that tracing takes "
		   "(seccomp): not traced from here on",
		   NULL);
	if (harmless >= FOR_NOTICE)
		notice_flush();
}
