/* SPDX-License-Identifier: MIT */
/* Unwinds with libunwind's generic library. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <libunwind.h>

#include "books.h"
#include "modules.h"
#include "notice.h"
#include "on_stack.h"
#include "sys.h"
#include "unwind.h"

#if defined(__x86_64__)
#define UNW_SYMBOL(name) "_Ux86_64_" #name
#define REGISTERS        17
#else
#define UNW_SYMBOL(name) "_Uaarch64_" #name
#define REGISTERS        33
#endif

/* As in known_stacks.c; a cursor that left this far behind has lost its way. */
#define STACK_SPAN  (256ul << 20)
/* Our own frames and wrong guesses are steps, too. */
#define STEPS_MAX   (2 * CW_SITE_FRAMES_MAX)
#define PAGE        4096ul
#define PAGES_KNOWN 64

static struct {
	unw_addr_space_t (*create_addr_space)(unw_accessors_t *, int);
	int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
	int (*step)(unw_cursor_t *);
	int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
	int (*is_signal_frame)(unw_cursor_t *);
	int (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t);
	void (*flush_cache)(unw_addr_space_t, unw_word_t, unw_word_t);
	int (*search_table)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *,
			    unw_proc_info_t *, int, void *);
} unw;

#define ONLY_CALLERS "; stacks show only the caller of each socket call"

static unw_addr_space_t space;
static enum { UNTRIED, USABLE, UNUSABLE } state;

/* One capture: the registers it starts from and the stack pages found readable. */
struct capture {
	uintptr_t registers[REGISTERS];
	uintptr_t low; /* nothing below the starting stack pointer is looked at */
	unsigned pages;
	uintptr_t page[PAGES_KNOWN];
	uintptr_t last_page;
	struct known_log *log;
	struct stack *stack; /* what is captured */
};

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *info,
			  int need, void *arg)
{
	const struct module *m = modules_find(ip);
	unw_dyn_info_t table = {0};

	if (!m || !m->eh_frame_hdr)
		return -UNW_ENOINFO;
	table.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	table.start_ip = m->low;
	table.end_ip = m->high;
	table.u.rti.segbase = m->eh_frame_hdr;
	table.u.rti.table_data = m->table;
	table.u.rti.table_len = m->table_count * 8ul / sizeof(unw_word_t);
	return unw.search_table(as, ip, &table, info, need, arg);
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info, void *arg)
{
	(void)as;
	(void)info;
	(void)arg;
}

static int get_dyn_info_list(unw_addr_space_t as, unw_word_t *list, void *arg)
{
	(void)as;
	(void)list;
	(void)arg;
	return -UNW_ENOINFO;
}

/* Can this page be read? The kernel is asked with a call that fails either way: it copies
 * a signal set from the address before it looks at the nonsensical `how`. */
__attribute__((noinline)) static bool page_readable(struct capture *c, uintptr_t address)
{
	uintptr_t page = address & ~(PAGE - 1);

	if (page == c->last_page)
		return true;
	for (unsigned i = 0; i < c->pages; i++) {
		if (c->page[i] == page) {
			c->last_page = page;
			return true;
		}
	}
	if (sys_call(SYS_rt_sigprocmask, -1, page, NULL, 8) == -EFAULT)
		return false;
	if (c->pages < PAGES_KNOWN)
		c->page[c->pages++] = page;
	c->last_page = page;
	return true;
}

static bool on_stack(struct capture *c, uintptr_t address)
{
	return address >= c->low && address - c->low < STACK_SPAN &&
	       page_readable(c, address) &&
	       page_readable(c, address + sizeof(uintptr_t) - 1);
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value,
		      int write, void *arg)
{
	struct capture *c = arg;
	/* Modules first: libraries are mapped just above the threads' stacks. */
	enum module_memory module = modules_memory(address);
	bool readable = module ? page_readable(c, address) : on_stack(c, address);

	(void)as;
	if (write || !readable) {
		/* Beside the stack it may be there the next time. */
		if (address - c->low < STACK_SPAN)
			known_log_other(c->log);
		return -UNW_EINVAL;
	}
	memcpy(value, (const void *)address, sizeof *value);
	if (module == MODULE_VARIABLE)
		known_log_other(c->log); /* a stack in a variable lies at no distance */
	else if (!module)
		known_log_word(c->log, address, *value);
	return 0;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t number, unw_word_t *value,
		      int write, void *arg)
{
	struct capture *c = arg;

	(void)as;
	if (write || number < 0 || number >= REGISTERS)
		return -UNW_EBADREG;
	*value = c->registers[number];
	known_log_other(c->log);
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t number, unw_fpreg_t *value,
			int write, void *arg)
{
	(void)as;
	(void)number;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as;
	(void)cursor;
	(void)arg;
	return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t as, unw_word_t address, char *name, size_t size,
			 unw_word_t *offset, void *arg)
{
	(void)as;
	(void)address;
	(void)name;
	(void)size;
	(void)offset;
	(void)arg;
	return -UNW_ENOINFO;
}

static unw_accessors_t accessors = {
	.find_proc_info = find_proc_info,
	.put_unwind_info = put_unwind_info,
	.get_dyn_info_list_addr = get_dyn_info_list,
	.access_mem = access_mem,
	.access_reg = access_reg,
	.access_fpreg = access_fpreg,
	.resume = resume,
	.get_proc_name = get_proc_name,
};

static bool resolve(void *library)
{
	const struct {
		const char *name;
		void *to;
	} wanted[] = {
		{UNW_SYMBOL(create_addr_space), &unw.create_addr_space},
		{UNW_SYMBOL(init_remote), &unw.init_remote},
		{UNW_SYMBOL(step), &unw.step},
		{UNW_SYMBOL(get_reg), &unw.get_reg},
		{UNW_SYMBOL(is_signal_frame), &unw.is_signal_frame},
		{UNW_SYMBOL(set_caching_policy), &unw.set_caching_policy},
		{UNW_SYMBOL(flush_cache), &unw.flush_cache},
		{UNW_SYMBOL(dwarf_search_unwind_table), &unw.search_table},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		void *found = dlsym(library, wanted[i].name);

		if (!found) {
			notice_add(LIBUNWIND_SONAME, " lacks ", wanted[i].name,
				   ONLY_CALLERS, NULL);
			return false;
		}
		memcpy(wanted[i].to, &found, sizeof found);
	}
	return true;
}

/* libunwind's start-up, its generic library's too, makes a pipe for checking addresses in
 * local mode and keeps it for good. We never need it, and the program's numbers are not
 * ours to take: our pipe hooks refuse it while this is set, which libunwind takes in its
 * stride. */
static __thread bool starting __attribute__((tls_model("initial-exec")));

bool unwind_starting(void)
{
	return starting;
}

/* Makes the address space, and makes libunwind start up (its first use of one does that). */
static bool make_space(void)
{
	starting = true;
	space = unw.create_addr_space(&accessors, 0);
	if (space)
		unw.set_caching_policy(space, UNW_CACHE_GLOBAL);
	starting = false;
	return space != NULL;
}

static bool open_libunwind(void)
{
	void *library = dlopen(LIBUNWIND_SONAME, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		notice_add(LIBUNWIND_SONAME, " cannot be loaded", ONLY_CALLERS, NULL);
		return false;
	}
	return resolve(library) && make_space();
}

#if defined(__x86_64__)
#define HANDLER_SPAN     (64ul << 10) /* of the stack looked at for a signal's frame */
#define HANDLER_REFUSALS 64u

/* What handlers return to: libc's restorer, which the kernel keeps beside each handler. */
static uintptr_t restorer(void)
{
	/* struct sigaction of the kernel, <asm/signal.h>. */
	struct {
		uintptr_t handler, flags, restorer, mask;
	} action = {0};

	for (int sig = 1; sig <= 64; sig++) {
		if (sys_call(SYS_rt_sigaction, sig, NULL, &action, 8) == 0 &&
		    action.restorer)
			return action.restorer;
	}
	return 0;
}

/* Of a signal's frame, behind the return address: struct ucontext, <asm/ucontext.h>, in words. */
#define UC_FLAGS     1
#define UC_LINK      2
#define UC_CS        24 /* in the low 16 bits */
#define UC_FLAGS_MAX 15 /* all that the kernel has ever set */
#define USER_CS      0x33

/* sigaction() itself leaves the restorer's address on the stack, beside other words. */
__attribute__((no_sanitize("address"))) static bool is_signal_frame(
	struct capture *c, const uintptr_t *frame)
{
	return page_readable(c, (uintptr_t)&frame[UC_CS]) &&
	       frame[UC_FLAGS] <= UC_FLAGS_MAX && !frame[UC_LINK] &&
	       (frame[UC_CS] & 0xffff) == USER_CS;
}

/* Opening libunwind takes the loader's lock and malloc's. In a signal handler the interrupted
 * code may hold them, so there only the caller is known, and the next capture tries again. The
 * return address of a handler may also be left over from one that has returned: not for ever. */
__attribute__((noinline, no_sanitize("address"))) static bool in_handler(
	struct capture *c)
{
	static unsigned refusals;
	uintptr_t wanted = restorer();

	if (!wanted || refusals == HANDLER_REFUSALS)
		return false;
	for (uintptr_t at = c->low; at - c->low < HANDLER_SPAN && page_readable(c, at);
	     at += sizeof wanted) {
		if (*(const uintptr_t *)at == wanted &&
		    is_signal_frame(c, (const uintptr_t *)at)) {
			refusals++;
			return true;
		}
	}
	return false;
}
#else
static bool in_handler(struct capture *c)
{
	(void)c;
	return false;
}
#endif

static bool usable(struct capture *c)
{
	int saved = errno;

	if (state == UNTRIED && !in_handler(c)) {
		state = open_libunwind() ? USABLE : UNUSABLE;
		notice_flush();
		errno = saved;
	}
	return state == USABLE;
}

static void open_there(void *capture)
{
	usable(capture);
}

void unwind_open(void)
{
	static struct capture c;

	if (state != UNTRIED)
		return;
	c.low = (uintptr_t)__builtin_frame_address(0);
	on_capture_stack(open_there, &c);
}

void unwind_give_up(void)
{
	state = UNUSABLE;
}

void unwind_fork_child_of_threads(void)
{
	if (state == UNTRIED)
		state = UNUSABLE;
}

/* The registers that unwinding starts from: those a call preserves, and where we are. */
#if defined(__x86_64__)
#define TAKE_REGISTERS(c)                                                           \
	__asm__ volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%r12, %2\n\t"   \
			 "movq %%r13, %3\n\tmovq %%r14, %4\n\tmovq %%r15, %5\n\t"   \
			 "movq %%rsp, %6\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, %7" \
			 : "=m"((c)->registers[UNW_X86_64_RBX]),                    \
			   "=m"((c)->registers[UNW_X86_64_RBP]),                    \
			   "=m"((c)->registers[UNW_X86_64_R12]),                    \
			   "=m"((c)->registers[UNW_X86_64_R13]),                    \
			   "=m"((c)->registers[UNW_X86_64_R14]),                    \
			   "=m"((c)->registers[UNW_X86_64_R15]),                    \
			   "=m"((c)->registers[UNW_X86_64_RSP]),                    \
			   "=m"((c)->registers[UNW_X86_64_RIP])                     \
			 :                                                          \
			 : "rax")
#define STACK_POINTER UNW_X86_64_RSP
#else
#define TAKE_REGISTERS(c)                                                           \
	__asm__ volatile("stp x19, x20, [%0, #152]\n\tstp x21, x22, [%0, #168]\n\t" \
			 "stp x23, x24, [%0, #184]\n\tstp x25, x26, [%0, #200]\n\t" \
			 "stp x27, x28, [%0, #216]\n\tstp x29, x30, [%0, #232]\n\t" \
			 "mov x9, sp\n\tadr x10, .\n\tstp x9, x10, [%0, #248]"      \
			 :                                                          \
			 : "r"((c)->registers)                                      \
			 : "x9", "x10", "memory")
#define STACK_POINTER UNW_AARCH64_SP
#endif

/* In code that a machine has compiled libunwind has to guess, and takes a saved frame pointer for a
 * return address at times: nothing is executed on a stack, and the next guess is right again. */
static bool is_code(const struct capture *c, const struct module *module, uintptr_t pc)
{
	return module || !known_on_stack(c->low, pc);
}

/* `exact`: it starts at an instruction that is not a call's. */
static void walk(struct capture *c, struct stack *stack, bool exact)
{
	const struct module *module;
	unw_cursor_t cursor;
	unsigned steps = 0;
	unw_word_t pc;
	int more;

	if (unw.init_remote(&cursor, space, c) != 0)
		return;
	do {
		if (unw.get_reg(&cursor, UNW_REG_IP, &pc) != 0 || !pc)
			return;
		if (stack->count == CW_SITE_FRAMES_MAX || steps++ == STEPS_MAX) {
			stack->flags |= CW_SITE_CUT;
			return;
		}
		module = modules_find(exact ? pc : pc - 1);
		if ((stack->count || !modules_own(pc)) && is_code(c, module, pc)) {
			stack->exact |= (uint64_t)exact << stack->count;
			stack->pcs[stack->count++] = pc;
			c->log->outside = true;
		}
		/* What was unloaded must not be unwound by what libunwind remembers of
		 * it. */
		if (modules_changed())
			unw.flush_cache(space, 0, 0);
		exact = unw.is_signal_frame(&cursor) > 0;
		more = unw.step(&cursor);
	} while (more > 0);
	if (more < 0)
		stack->flags |= CW_SITE_CUT;
	else if (unw.get_reg(&cursor, UNW_REG_SP, &pc) == 0)
		known_outermost(pc);
}

static void unwind_there(void *argument)
{
	struct capture *c = argument;

	if (usable(c))
		walk(c, c->stack, false);
}

bool unwind_stack(struct stack *stack, struct known_log *log)
{
	static struct capture c;

	TAKE_REGISTERS(&c);
	c.low = c.registers[STACK_POINTER];
	c.pages = 0;
	c.last_page = 0;
	c.log = log;
	c.stack = stack;
	on_capture_stack(unwind_there, &c);
	return state == USABLE;
}

#define RED_ZONE \
	128ul /* what a function uses below its stack pointer, System V ABI of x86_64 */

#if defined(__x86_64__)
static void take_interrupted(struct capture *c, const ucontext_t *context)
{
	static const struct {
		uint8_t to, from;
	} registers[] = {
		{UNW_X86_64_RAX, REG_RAX}, {UNW_X86_64_RDX, REG_RDX},
		{UNW_X86_64_RCX, REG_RCX}, {UNW_X86_64_RBX, REG_RBX},
		{UNW_X86_64_RSI, REG_RSI}, {UNW_X86_64_RDI, REG_RDI},
		{UNW_X86_64_RBP, REG_RBP}, {UNW_X86_64_RSP, REG_RSP},
		{UNW_X86_64_R8, REG_R8},   {UNW_X86_64_R9, REG_R9},
		{UNW_X86_64_R10, REG_R10}, {UNW_X86_64_R11, REG_R11},
		{UNW_X86_64_R12, REG_R12}, {UNW_X86_64_R13, REG_R13},
		{UNW_X86_64_R14, REG_R14}, {UNW_X86_64_R15, REG_R15},
		{UNW_X86_64_RIP, REG_RIP},
	};

	for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
		c->registers[registers[i].to] =
			(uintptr_t)context->uc_mcontext.gregs[registers[i].from];
}
#define PROGRAM_COUNTER UNW_X86_64_RIP
#else
static void take_interrupted(struct capture *c, const ucontext_t *context)
{
	for (int i = 0; i < 31; i++)
		c->registers[UNW_AARCH64_X0 + i] = context->uc_mcontext.regs[i];
	c->registers[UNW_AARCH64_SP] = context->uc_mcontext.sp;
	c->registers[UNW_AARCH64_PC] = context->uc_mcontext.pc;
}
#define PROGRAM_COUNTER UNW_AARCH64_PC
#endif

uintptr_t unwind_interrupted_sp(const void *context)
{
	static struct capture c;

	take_interrupted(&c, context);
	return c.registers[STACK_POINTER];
}

bool unwind_interrupted(struct stack *stack, struct known_log *log, const void *context)
{
	static struct capture c;

	take_interrupted(&c, context);
	c.low = c.registers[STACK_POINTER] - RED_ZONE;
	c.pages = 0;
	c.last_page = 0;
	c.log = log;
	c.stack = stack;
	stack->count = 0;
	stack->flags = 0;
	stack->exact = 0;
	if (state == USABLE)
		walk(&c, stack, true);
	if (stack->count)
		return true;
	stack->pcs[0] = c.registers[PROGRAM_COUNTER];
	stack->exact = 1;
	stack->flags = CW_SITE_SHORT;
	stack->count = stack->pcs[0] && !modules_own(stack->pcs[0]) ? 1 : 0;
	return stack->count;
}
