// SPDX-License-Identifier: MIT
/* Exports what an interpreter does, of the version that it is told, and leaks a connection.
 *
 * Usage: fake_python VERSION [3.13|3.14 [cookie|free-threaded|file|previous|owner]]
 *
 * Without a layout nothing is where it should be. With one, _PyRuntime publishes the offsets in the
 * order of that version, and the thread has the frames `inner` (fake.py:14) and `outer` (fake.py:24) of
 * one evaluation loop; these offsets are none of a real version's. Then one thing may be spoilt: the
 * cookie, the word for free threads, or one offset that is published. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loopback.h"

const char *Py_GetVersion(void);
void *PyGILState_GetThisThreadState(void);
void *PyInterpreterState_Head(void);
void *PyInterpreterState_Main(void);
int Py_IsInitialized(void);
int Py_IsFinalizing(void);

static const char *version = "";
static uintptr_t thread[64];

uintptr_t PyCode_Type[64], PyUnicode_Type[64], PyBytes_Type[64], PyFrame_Type[64];
uintptr_t _PyRuntime[512];

/* Where the fake keeps things, in bytes; and the word of _Py_DebugOffsets that says so, in 3.13 and 3.14
 * (Include/internal/pycore_runtime.h of 3.13, pycore_debug_offsets.h of 3.14). */
enum place {
	CURRENT_FRAME,
	THREAD_ID,
	PREVIOUS,
	EXECUTABLE,
	INSTR_PTR,
	OWNER,
	FILE_NAME,
	QUALNAME,
	LINETABLE,
	FIRST_LINE,
	CODE_ADAPTIVE,
	ASCII_SIZE,
	PLACES
};
static const struct {
	unsigned word[2];
	uintptr_t offset;
} places[PLACES] = {
	[CURRENT_FRAME] = {{23, 26}, 104}, [THREAD_ID] = {{24, 27}, 176},
	[PREVIOUS] = {{29, 32}, 16},       [EXECUTABLE] = {{30, 33}, 24},
	[INSTR_PTR] = {{31, 34}, 64},      [OWNER] = {{33, 36}, 83},
	[FILE_NAME] = {{35, 40}, 120},     [QUALNAME] = {{37, 42}, 136},
	[LINETABLE] = {{38, 43}, 144},     [FIRST_LINE] = {{39, 44}, 76},
	[CODE_ADAPTIVE] = {{43, 48}, 216}, [ASCII_SIZE] = {{70, 80}, 40},
};

const char *Py_GetVersion(void)
{
	return version;
}

void *PyGILState_GetThisThreadState(void)
{
	return thread;
}

void *PyInterpreterState_Head(void)
{
	return thread;
}

void *PyInterpreterState_Main(void)
{
	return thread;
}

int Py_IsInitialized(void)
{
	return 1;
}

int Py_IsFinalizing(void)
{
	return 0;
}

static void put(void *object, enum place place, uintptr_t value, size_t size)
{
	memcpy((char *)object + places[place].offset, &value, size);
}

/* PyObject and PyVarObject: the type at 8, the size at 16. */
static void *object(uintptr_t *type, uintptr_t size)
{
	uintptr_t *made = calloc(64, sizeof *made);

	must(made != NULL, "calloc");
	made[1] = (uintptr_t)type;
	made[2] = size;
	return made;
}

/* PyASCIIObject.state: kind 1, compact, ASCII. */
static uintptr_t string(const char *text)
{
	char *made = object(PyUnicode_Type, strlen(text));
	uint32_t state = 1u << 2 | 1u << 5 | 1u << 6;

	memset(made + 24, 0xff, 8); /* no hash yet */
	memcpy(made + 32, &state, sizeof state);
	strcpy(made + 40, text);
	return (uintptr_t)made;
}

/* A function of one instruction, four lines below its first. */
static void *code(const char *name, uintptr_t first_line)
{
	static const char table[] = {(char)(0x80 | 13 << 3), 4 << 1};
	char *bytes = object(PyBytes_Type, sizeof table);
	void *made = object(PyCode_Type, 1);

	memcpy(bytes + 32, table, sizeof table);
	put(made, FILE_NAME, string("/made/fake.py"), 8);
	put(made, QUALNAME, string(name), 8);
	put(made, LINETABLE, (uintptr_t)bytes, 8);
	put(made, FIRST_LINE, first_line, 4);
	return made;
}

/* _PyStackRef of 3.14 has a tag in its lowest bits. */
static void *frame(void *code, void *previous, unsigned owner, unsigned tag)
{
	void *made = calloc(64, sizeof(uintptr_t));

	must(made != NULL, "calloc");
	put(made, EXECUTABLE, (uintptr_t)code | tag, 8);
	put(made, PREVIOUS, (uintptr_t)previous, 8);
	put(made, INSTR_PTR, (uintptr_t)code + places[CODE_ADAPTIVE].offset, 8);
	put(made, OWNER, owner, 1);
	return made;
}

/* tp_basicsize at 32, tp_members at 240: name, type, offset, flags, doc. */
static void make_types(void)
{
	static struct {
		const char *name;
		uintptr_t type, offset, flags, doc;
	} members[4] = {{.name = "co_filename"},
			{.name = "co_firstlineno"},
			{.name = "co_qualname"}};

	members[0].offset = places[FILE_NAME].offset;
	members[1].offset = places[FIRST_LINE].offset;
	members[2].offset = places[QUALNAME].offset;
	PyCode_Type[4] = places[CODE_ADAPTIVE].offset;
	PyCode_Type[30] = (uintptr_t)members;
	PyBytes_Type[4] = 33;
	PyUnicode_Type[4] = 64;
}

static void make(bool is_314, const char *spoilt)
{
	unsigned tag = is_314 ? 1 : 0;
	void *mark = frame(object(PyFrame_Type, 0), NULL, 3, tag);
	void *outer = frame(code("outer", 20), mark, 0, tag);
	void *inner = frame(code("inner", 10), outer, 0, tag);

	make_types();
	memcpy(_PyRuntime, "xdebugpy", 8);
	for (unsigned i = 0; i < PLACES; i++)
		_PyRuntime[places[i].word[is_314]] = places[i].offset;
	put(thread, CURRENT_FRAME, (uintptr_t)inner, 8);
	put(thread, THREAD_ID, (uintptr_t)pthread_self(), 8);
	if (!strcmp(spoilt, "cookie"))
		_PyRuntime[0]++;
	if (!strcmp(spoilt, "free-threaded"))
		_PyRuntime[2] = 1;
	if (!strcmp(spoilt, "file"))
		_PyRuntime[places[FILE_NAME].word[is_314]] += 8;
	if (!strcmp(spoilt, "previous"))
		_PyRuntime[places[PREVIOUS].word[is_314]] += 8;
	if (!strcmp(spoilt, "owner"))
		_PyRuntime[places[OWNER].word[is_314]] += 1;
}

int main(int argc, char **argv)
{
	struct pair pair;
	char byte;

	if (argc > 1)
		version = argv[1];
	if (argc > 2)
		make(!strcmp(argv[2], "3.14"), argc > 3 ? argv[3] : "");
	pair = pair_open();
	must(!close(pair.client), "close");
	await_readable(pair.server);
	must(read(pair.server, &byte, 1) == 0, "read");
	hold(50);
	return 0;
}
