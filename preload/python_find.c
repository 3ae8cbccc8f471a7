/* SPDX-License-Identifier: MIT */
/* Finds the interpreter. */
#include <string.h>
#include <sys/auxv.h>

#include "elf_symbol.h"
#include "notice.h"
#include "python_check.h"
#include "python_find.h"
#include "python_handler.h"

struct python python;

/* The program may hold a copy of the library's variable, which is then everybody's. */
static uintptr_t object(const struct module *m, const char *name)
{
	const struct module *program = modules_find(getauxval(AT_PHDR) + 1);
	uintptr_t at = program ? elf_symbol(program, name) : 0;

	return at ? at : elf_symbol(m, name);
}

/* Functions are pointers of any type to the compiler, addresses to us. */
static void function(void *to, const struct module *m, const char *name)
{
	uintptr_t at = elf_symbol(m, name);

	memcpy(to, &at, sizeof at);
}

static unsigned number(const char **text)
{
	unsigned n = 0;

	for (; **text >= '0' && **text <= '9' && n < 10000; (*text)++)
		n = n * 10 + (unsigned)(**text - '0');
	return n;
}

/* "3.11.2 (main, …": neither "3.13.0rc1", nor "experimental free-threading build". */
static bool is_release(const char *text)
{
	python.major = number(&text);
	text += *text == '.';
	python.minor = number(&text);
	if (*text++ != '.')
		return false;
	number(&text);
	return (*text == ' ' || *text == '+') && !strstr(text, "free-threading");
}

static void put_number(char *to, unsigned n)
{
	char digits[12];
	unsigned count = 0;

	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count)
		*to++ = digits[--count];
	*to = '\0';
}

static void refuse(const char *what)
{
	atomic_store(&python.state, PYTHON_REFUSED);
	notice_add(what, ": frames not supported", NULL);
	notice_keep();
}

void python_distrust(void)
{
	char name[32] = "Python ";

	put_number(name + strlen(name), python.major);
	strcat(name, ".");
	put_number(name + strlen(name), python.minor);
	refuse(name);
}

static void take_functions(const struct module *m)
{
	function(&python.this_thread, m, "PyGILState_GetThisThreadState");
	function(&python.newest_interpreter, m, "PyInterpreterState_Head");
	function(&python.main_interpreter, m, "PyInterpreterState_Main");
	if (!python.main_interpreter) /* before 3.7 */
		function(&python.main_interpreter, m,
			 "_PyGILState_GetInterpreterStateUnsafe");
	function(&python.is_initialized, m, "Py_IsInitialized");
	function(&python.is_finalizing, m, "Py_IsFinalizing");
	if (!python.is_finalizing)
		function(&python.is_finalizing, m, "_Py_IsFinalizing");
	python.finalizing = (const uintptr_t *)object(m, "_Py_Finalizing");
}

static void take_types(const struct module *m)
{
	python.code_type = object(m, "PyCode_Type");
	python.frame_type = object(m, "PyFrame_Type");
	python.bytes_type = object(m, "PyBytes_Type");
	if (!python.bytes_type)
		python.bytes_type = object(m, "PyString_Type");
	python.text_type =
		python.at.byte_names ? python.bytes_type : object(m, "PyUnicode_Type");
	python.function_type = object(m, "PyFunction_Type");
	python.method_type = object(m, "PyMethod_Type");
	python.cell_type = object(m, "PyCell_Type");
	python.tuple_type = object(m, "PyTuple_Type");
}

static void take_eval_loop(const struct module *m)
{
	const char *name =
		python.major == 2 ? "PyEval_EvalFrameEx" : "_PyEval_EvalFrameDefault";

	python.eval_low = elf_symbol(m, name);
	python.eval_high = elf_symbol_end(m, name);
}

static bool usable(const struct module *m, const char *version)
{
	if (!is_release(version) ||
	    !python_offsets_of(&python.at, python.major, python.minor,
			       object(m, "_PyRuntime")))
		return false;
	take_functions(m);
	take_types(m);
	take_eval_loop(m);
	/* Without a word of the end there is none that it may be relied on. */
	return python.this_thread && python.is_initialized && python.newest_interpreter &&
	       (python.is_finalizing || python.finalizing || python.major == 2) &&
	       python_check_types();
}

/* Its functions are named PyPy*; which version it is only code of its own could tell. */
static bool is_pypy(const struct module *m)
{
	return elf_symbol(m, "pypy_execute_source") || elf_symbol(m, "PyPy_GetVersion");
}

static void look(const struct module *m)
{
	const char *(*version)(void);

	if (is_pypy(m)) {
		refuse("PyPy");
		return;
	}
	function(&version, m, "Py_GetVersion");
	if (!version || !elf_symbol(m, "PyGILState_GetThisThreadState"))
		return;
	atomic_store(&python.unloads, modules_unloads());
	if (usable(m, version())) {
		python_check_handlers();
		python_handler_forget();
		atomic_store_explicit(&python.state, PYTHON_FOUND, memory_order_release);
		return;
	}
	python_distrust();
}

#define THREAD_INTERPRETER_27 8

/* The list begins with the newest one. In 2.7, which does not tell the main one, a thread's first
 * state is as good as always of that. */
bool python_is_several(void)
{
	const void *newest = python.newest_interpreter();

	if (python.main_interpreter)
		return python.main_interpreter() != newest;
	return *(void **)((char *)python.this_thread() + THREAD_INTERPRETER_27) != newest;
}

void python_look_again(void)
{
	uint32_t unloads = modules_unloads();
	uintptr_t known;
	const struct module *m;

	memcpy(&known, &python.this_thread, sizeof known);
	m = modules_find(known);
	if (m && elf_symbol(m, "PyGILState_GetThisThreadState") == known)
		atomic_store(&python.unloads, unloads);
	else
		atomic_store(&python.state, PYTHON_NONE);
}

/* The frames of the one that was found may then stand around what another runs. */
static void look_for_another(const struct module *m)
{
	uintptr_t this_thread = elf_symbol(m, "PyGILState_GetThisThreadState"), known;

	memcpy(&known, &python.this_thread, sizeof known);
	if (is_pypy(m) || (this_thread && this_thread != known))
		refuse("Two Pythons in one process");
}

void python_seek(const struct stack *stack)
{
	static uint32_t asked;

	if (python_state() == PYTHON_REFUSED || asked == modules_added())
		return;
	for (uint32_t i = 0; i < stack->count; i++) {
		struct module *m = (struct module *)modules_find(stack->pcs[i] - 1);

		if (!m || m->asked)
			continue;
		m->asked = true;
		asked++;
		if (python_state() == PYTHON_NONE)
			look(m);
		else if (python_state() != PYTHON_REFUSED)
			look_for_another(m);
	}
}
