/* SPDX-License-Identifier: MIT */
/* Unwinds with libunwind's generic library, to compare. */
#include <dlfcn.h>
#include <string.h>

#include <libunwind.h>

#include "modules.h"
#include "notice.h"
#include "options.h"
#include "stack_memory.h"
#include "sys.h"
#include "unwind_audit.h"

#if defined(__x86_64__)
#define UNW_SYMBOL(name) "_Ux86_64_" #name
#else
#define UNW_SYMBOL(name) "_Uaarch64_" #name
#define UNW_PC           UNW_AARCH64_PC
#endif

/* Wrong guesses are steps, too. */
#define STEPS_MAX (2 * CW_SITE_FRAMES_MAX)

static struct {
	unw_addr_space_t (*create_addr_space)(unw_accessors_t *, int);
	int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
	int (*step)(unw_cursor_t *);
	int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
	int (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t);
	void (*flush_cache)(unw_addr_space_t, unw_word_t, unw_word_t);
	int (*search_table)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *,
			    unw_proc_info_t *, int, void *);
} unw;

static unw_addr_space_t space;
static bool usable;

/* One audit. */
struct audit {
	const struct registers *registers;
	struct stack_memory memory;
	struct known_log log; /* nobody's: nothing is noted before it is `outside` */
	struct stack stack;
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

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value,
		      int write, void *arg)
{
	struct audit *a = arg;

	(void)as;
	return !write && stack_memory_word(&a->memory, address, value) ? 0 : -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t number, unw_word_t *value,
		      int write, void *arg)
{
	const struct registers *r = ((struct audit *)arg)->registers;

	(void)as;
	if (write || number < 0)
		return -UNW_EBADREG;
	if (number == UNW_REG_IP)
		*value = r->pc;
	else if (number < CFI_REGISTERS && r->known >> number & 1)
		*value = r->value[number];
	else
		return -UNW_EBADREG;
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

#define NOT_COMPARED "; unwind=audit cannot compare with it"

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
		{UNW_SYMBOL(set_caching_policy), &unw.set_caching_policy},
		{UNW_SYMBOL(flush_cache), &unw.flush_cache},
		{UNW_SYMBOL(dwarf_search_unwind_table), &unw.search_table},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		void *found = dlsym(library, wanted[i].name);

		if (!found) {
			notice_add(LIBUNWIND_SONAME, " lacks ", wanted[i].name,
				   NOT_COMPARED, NULL);
			return false;
		}
		memcpy(wanted[i].to, &found, sizeof found);
	}
	return true;
}

static bool is_fifo(int fd)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Makes the address space, and makes libunwind start up (its first use of one does that). Its
 * start-up makes a pipe for checking addresses in local mode, and keeps it for good: the program's
 * numbers are not ours to take, and we never use that mode. */
static void make_space(void)
{
	int fds[2] = {-1, -1};

	/* Which numbers it will get. */
	if (sys_call(SYS_pipe2, fds, O_CLOEXEC, 0, 0) == 0) {
		sys_close(fds[0]);
		sys_close(fds[1]);
	}
	space = unw.create_addr_space(&accessors, 0);
	if (space)
		unw.set_caching_policy(space, UNW_CACHE_GLOBAL);
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0 && is_fifo(fds[i]))
			sys_close(fds[i]);
	}
}

void unwind_audit_open(void)
{
	void *library;

	if (options.unwind != UNWIND_AUDIT)
		return;
	library = dlopen(LIBUNWIND_SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		notice_add(LIBUNWIND_SONAME, " cannot be loaded", NOT_COMPARED, NULL);
		return;
	}
	if (resolve(library))
		make_space();
	usable = space != NULL;
}

void unwind_audit_give_up(void)
{
	usable = false;
}

/* In code that a machine has compiled libunwind has to guess, and takes a saved frame pointer for a
 * return address at times: nothing is executed on a stack, and the next guess is right again. */
static bool is_code(const struct audit *a, const struct module *module, uintptr_t pc)
{
	return module || !known_on_stack(a->memory.low, pc);
}

static void walk(struct audit *a)
{
	struct stack *stack = &a->stack;
	const struct module *module;
	unw_cursor_t cursor;
	unw_word_t pc;

	if (unw.init_remote(&cursor, space, a) != 0)
		return;
	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		if (unw.get_reg(&cursor, UNW_REG_IP, &pc) != 0 || !pc ||
		    stack->count == CW_SITE_FRAMES_MAX)
			return;
		module = modules_find(pc);
		if ((stack->count || !modules_own(pc)) && is_code(a, module, pc))
			stack->pcs[stack->count++] = pc;
		/* What was unloaded must not be unwound by what libunwind remembers of
		 * it. */
		if (modules_changed())
			unw.flush_cache(space, 0, 0);
		if (unw.step(&cursor) <= 0)
			return;
	}
}

/* As far as unwind information leads. Beyond it libunwind takes for a return address what happens
 * to lie at the stack pointer, if it can be read, and there is nothing to compare with. Nor is
 * it compared which frame a signal interrupted: libunwind (1.6) says it of the one above. */
static bool same(const struct stack *ours, const struct stack *theirs)
{
	if (ours->beyond ? theirs->count < ours->told : theirs->count != ours->count)
		return false;
	return memcmp(ours->pcs, theirs->pcs, ours->told * sizeof *ours->pcs) == 0;
}

void unwind_audit(const struct registers *registers, struct stack *ours)
{
	static struct audit a;

	ours->audit = STACK_NOT_AUDITED;
	if (!usable)
		return;
	a.registers = registers;
	stack_memory_begin(&a.memory, registers->value[CFI_SP], &a.log);
	a.stack.count = 0;
	walk(&a);
	ours->audit = same(ours, &a.stack) ? STACK_CONFIRMED : STACK_DIFFERS;
}
