/* SPDX-License-Identifier: MIT */
/* Symbols by libdwfl: one Dwfl a file, where it lies by itself: modules of different
 * processes at the same address do not disturb one another, and no address in a trace is
 * believed. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "build_id.h"
#include "cleanup.h"
#include "complain.h"
#include "debug_files.h"
#include "demangle.h"
#include "die_name.h"
#include "open_regular.h"
#include "source_lines.h"
#include "source_paths.h"
#include "symbols.h"
#include "trace/stack_hash.h"

/* So many files are read for their names: a trace may speak of more than there is memory
 * for, or than a user has time for. */
#define FILES_MAX      512u
#define CACHE_SLOTS    256u
/* The same stacks are named again and again, and libdw walks a whole unit each time. */
#define ANSWER_BUCKETS 4096u
#define ANSWERS_MAX    32768u
#define ANSWER_SYMBOLS 8
/* Where a position-independent binary is put: anywhere but at 0. */
#define LOAD_BASE      0x10000000u

/* A binary on disk, however many records and names lead to it. */
struct binary {
	dev_t device;
	ino_t inode;
	struct timespec written;
	Dwfl *dwfl;
	Dwfl_Module *module; /* NULL: gives no names */
	GElf_Addr bias;      /* of the addresses that the Dwfl knows it by */
	struct binary *next;
};

/* What is known of one address. The strings are the Dwfl's or of the demangled names, and
 * live as long as the struct symbols. */
struct answer {
	const struct binary *binary;
	uint64_t pc; /* in the binary */
	struct answer *next;
	int count;
	struct symbol symbols[ANSWER_SYMBOLS];
};

/* What a path and a build-id in the trace stand for. */
struct named {
	struct cw_module module; /* a copy: traces come and go */
	char *path;
	struct binary *binary; /* NULL: gives no names */
	struct named *next;
};

struct symbols {
	const char *root;
	struct binary *binaries;
	struct named *names;
	unsigned count; /* of names */
	bool full;      /* the user knows that there are more */
	struct {
		const struct cw_module *key;
		struct binary *binary;
	} cache[CACHE_SLOTS];
	struct answer *answers[ANSWER_BUCKETS];
	unsigned answer_count;
	struct demangler *demangler;
	struct die_names *die_names;
	struct source_lines *lines;
	struct source_paths *paths;
	char source[SOURCE_LINE_MAX + 32]; /* of the last source() */
	struct answer last; /* of those that are not kept: there are too many */
};

/* Where a frame stands, on the way from the innermost inlined function outwards. */
struct place {
	const char *file;
	int line;
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = debug_files_find,
};

static bool has_build_id(const struct cw_module *recorded)
{
	return recorded->build_id_size &&
	       recorded->build_id_size <= sizeof(recorded->build_id);
}

static bool same_build(Dwfl_Module *module, const struct cw_module *recorded)
{
	const unsigned char *id;
	GElf_Addr address;
	int size = dwfl_module_build_id(module, &id, &address);

	if (!has_build_id(recorded))
		return true;
	return size == recorded->build_id_size &&
	       memcmp(id, recorded->build_id, (size_t)size) == 0;
}

static bool same_record(const struct cw_module *a, const struct cw_module *b)
{
	return a->build_id_size == b->build_id_size &&
	       memcmp(a->build_id, b->build_id, sizeof(a->build_id)) == 0;
}

/* Takes the descriptor. build_id works only once the module's file is known to the Dwfl. */
static void load(struct binary *binary, const char *path, int fd)
{
	binary->dwfl = dwfl_begin(&callbacks);
	if (!binary->dwfl) {
		close(fd);
		return;
	}
	dwfl_report_begin(binary->dwfl);
	binary->module = dwfl_report_elf(binary->dwfl, path, path, fd, LOAD_BASE, true);
	if (!binary->module)
		close(fd);
	dwfl_report_end(binary->dwfl, NULL, NULL);
	if (binary->module && !dwfl_module_getelf(binary->module, &binary->bias))
		binary->module = NULL;
}

/* A name that is too long for a root in front of it is not cut: it would be another's. */
static int open_below(const char *root, const char *path, struct stat *st)
{
	char below[PATH_MAX];
	int fd = -1;

	if (*root &&
	    snprintf(below, sizeof(below), "%s%s", root, path) < (int)sizeof(below))
		fd = open_regular(below, st);
	return fd < 0 ? open_regular(path, st) : fd;
}

/* Takes the descriptor. The same file is one binary. */
static struct binary *binary_in(struct symbols *symbols, int fd, const struct stat *st,
				const char *path)
{
	struct binary *binary;

	for (binary = symbols->binaries; binary; binary = binary->next) {
		if (binary->device != st->st_dev || binary->inode != st->st_ino)
			continue;
		close(fd);
		return binary;
	}
	binary = calloc(1, sizeof(*binary));
	if (!binary) {
		close(fd);
		return NULL;
	}
	binary->device = st->st_dev;
	binary->inode = st->st_ino;
	binary->written = st->st_mtim;
	binary->next = symbols->binaries;
	symbols->binaries = binary;
	load(binary, path, fd);
	return binary;
}

/* NULL, or why it gives no names. */
static const char *fault_of(const struct binary *binary, const struct cw_module *recorded)
{
	if (!binary || !binary->module)
		return "cannot be read: no names from it";
	if (!same_build(binary->module, recorded))
		return "has changed since: no names from it";
	if (!debug_files_supplement_is_file(binary->module))
		return "names what is no file for its debug information: no names from "
		       "it";
	return NULL;
}

/* NULL: there is none that gives names. */
static struct binary *binary_by_id(struct symbols *symbols, const struct named *named)
{
	const struct cw_module *key = &named->module;
	AUTO_FREE char *path = NULL;
	struct binary *binary;
	struct stat st;
	int fd = -1;

	if (has_build_id(key))
		fd = build_id_open(key->build_id, key->build_id_size, &path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return NULL;
	}
	binary = binary_in(symbols, fd, &st, path ? path : named->path);
	return fault_of(binary, key) ? NULL : binary;
}

static struct binary *binary_of(struct symbols *symbols, const struct named *named)
{
	struct binary *binary = NULL;
	const char *fault;
	struct stat st;
	int fd = open_below(symbols->root, named->path, &st);
	bool irregular = fd < 0 && errno == EINVAL;

	if (fd >= 0)
		binary = binary_in(symbols, fd, &st, named->path);
	fault = irregular ? "no regular file: no names from it"
			  : fault_of(binary, &named->module);
	if (!fault)
		return binary;
	binary = binary_by_id(symbols, named);
	if (!binary)
		complain(named->path, fault);
	return binary;
}

static struct named *add_name(struct symbols *symbols, const struct cw_module *key,
			      const char *path)
{
	struct named *named;

	if (symbols->count == FILES_MAX) {
		if (!symbols->full)
			complain(path, "one file more than are read: no names from it "
				       "and further ones");
		symbols->full = true;
		return NULL;
	}
	named = calloc(1, sizeof(*named));
	if (named)
		named->path = strdup(path);
	if (!named || !named->path) {
		free(named);
		return NULL;
	}
	symbols->count++;
	named->module = *key;
	named->next = symbols->names;
	symbols->names = named;
	named->binary = binary_of(symbols, named);
	return named;
}

static struct binary *look_up(struct symbols *symbols, const struct trace_view *view,
			      const struct cw_module *key)
{
	const char *path = trace_string(view, key->path);
	struct named *named;

	/* "[vdso]" and the like are no files. */
	if (*path != '/')
		return NULL;
	for (named = symbols->names; named; named = named->next)
		if (same_record(&named->module, key) && strcmp(named->path, path) == 0)
			return named->binary;
	named = add_name(symbols, key, path);
	return named ? named->binary : NULL;
}

static struct binary *find(struct symbols *symbols, const struct trace_view *view,
			   const struct cw_module *key)
{
	size_t slot = (uintptr_t)key / 8 % CACHE_SLOTS;

	if (symbols->cache[slot].key != key) {
		symbols->cache[slot].binary = look_up(symbols, view, key);
		symbols->cache[slot].key = key;
	}
	return symbols->cache[slot].binary;
}

static struct place place_of(const struct symbols *symbols, Dwfl_Module *module,
			     uint64_t pc)
{
	struct place place = {0};
	Dwfl_Line *line = dwfl_module_getsrc(module, pc);

	if (line) {
		place.file = dwfl_lineinfo(line, NULL, &place.line, NULL, NULL, NULL);
		place.file =
			source_path(symbols->paths, dwfl_line_comp_dir(line), place.file);
	}
	return place;
}

/* Where the function that `die` inlines was called. */
static struct place call_site(const struct symbols *symbols, Dwarf_Die *cu,
			      Dwarf_Die *die)
{
	struct place place = {0};
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0)
		place.line = (int)value;
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &count) == 0 && value < count)
		place.file = dwarf_filesrc(files, value, NULL, NULL);
	place.file = source_path(
		symbols->paths,
		dwarf_formstring(dwarf_attr(cu, DW_AT_comp_dir, &attribute)), place.file);
	return place;
}

static struct symbol inlined_symbol(const struct symbols *symbols, Dwarf_Die *die,
				    const struct place *place)
{
	struct symbol symbol = {.file = place->file, .line = place->line};

	symbol.function = die_name(symbols->die_names, die, &symbol.raw);
	return symbol;
}

/* The inlined functions at `pc`, innermost first, and in *place where the outermost of
 * them was called. Leaves room for the function that holds them. */
static int inlined(const struct symbols *symbols, Dwfl_Module *module, uint64_t pc,
		   struct place *place, struct symbol *out, int max)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = dwfl_module_addrdie(module, pc, &bias);
	AUTO_FREE Dwarf_Die *innermost = NULL;
	AUTO_FREE Dwarf_Die *scopes = NULL;
	int count, found = 0;

	if (!cu || dwarf_getscopes(cu, pc - bias, &innermost) <= 0)
		return 0;
	/* The scopes of an inlined function as dwarf_getscopes() tells them are those of
	 * its definition; these are those of its place. */
	count = dwarf_getscopes_die(&innermost[0], &scopes);
	for (int i = 0; i < count && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; i++) {
		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		if (found < max - 1)
			out[found++] = inlined_symbol(symbols, &scopes[i], place);
		*place = call_site(symbols, cu, &scopes[i]);
	}
	return found;
}

static int ask(const struct symbols *symbols, const struct binary *binary,
	       uint64_t in_binary, struct symbol *out, int max)
{
	uint64_t pc = in_binary + binary->bias;
	struct place place;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *raw;
	int count;

	raw = dwfl_module_addrinfo(binary->module, pc, &offset, &symbol, NULL, NULL,
				   NULL);
	place = place_of(symbols, binary->module, pc);
	count = inlined(symbols, binary->module, pc, &place, out, max);
	out[count++] = (struct symbol){
		.function = raw ? demangle(symbols->demangler, raw) : NULL,
		.raw = raw,
		.offset = raw ? offset : in_binary,
		.file = place.file,
		.line = place.line,
	};
	for (int i = 0; i + 1 < count; i++)
		out[i].inlined_into = out[i + 1].function;
	return raw || count > 1 ? count : 0;
}

static struct answer *new_answer(struct symbols *symbols, struct answer **bucket)
{
	struct answer *answer = NULL;

	if (symbols->answer_count < ANSWERS_MAX)
		answer = calloc(1, sizeof(*answer));
	if (!answer)
		return &symbols->last;
	symbols->answer_count++;
	answer->next = *bucket;
	*bucket = answer;
	return answer;
}

static const struct answer *answer_of(struct symbols *symbols,
				      const struct binary *binary, uint64_t pc)
{
	uint64_t hash = hash_word((uintptr_t)binary, pc);
	struct answer **bucket = &symbols->answers[hash % ANSWER_BUCKETS];
	struct answer *answer;

	for (answer = *bucket; answer; answer = answer->next)
		if (answer->binary == binary && answer->pc == pc)
			return answer;
	answer = new_answer(symbols, bucket);
	answer->binary = binary;
	answer->pc = pc;
	answer->count = ask(symbols, binary, pc, answer->symbols, ANSWER_SYMBOLS);
	return answer;
}

/* Where there is not room for all, the inlined ones next to the outermost are left out. */
static int name(void *context, const struct trace_view *view, const struct cw_module *key,
		uint64_t pc, struct symbol *out, int max)
{
	const struct binary *binary = find(context, view, key);
	const struct answer *answer;
	int count;

	if (!binary || max < 1)
		return 0;
	answer = answer_of(context, binary, pc - key->base);
	count = answer->count < max ? answer->count : max;
	if (!count)
		return 0;
	for (int i = 0; i + 1 < count; i++)
		out[i] = answer->symbols[i];
	out[count - 1] = answer->symbols[answer->count - 1];
	if (count > 1)
		out[count - 2].inlined_into = out[count - 1].function;
	return out[count - 1].function || count > 1 ? count : 0;
}

static const char *source_line_of(struct symbols *symbols, const char *file, int line,
				  const struct timespec *built)
{
	const char *text = source_line(symbols->lines, file, line);

	if (!text)
		return NULL;
	snprintf(symbols->source, sizeof(symbols->source), "%s%s", text,
		 source_is_newer(symbols->lines, file, built) ? "  (changed since)" : "");
	return symbols->source;
}

/* Of a file below the root, or else of that name here. */
static const char *source_below(struct symbols *symbols, const char *file, int line,
				const struct timespec *built)
{
	const char *text = NULL;
	char below[PATH_MAX];

	if (*file != '/')
		return NULL;
	if (*symbols->root && snprintf(below, sizeof(below), "%s%s", symbols->root,
				       file) < (int)sizeof(below))
		text = source_line_of(symbols, below, line, built);
	return text ? text : source_line_of(symbols, file, line, built);
}

static const char *source(void *context, const struct cw_module *key, const char *file,
			  int line)
{
	struct symbols *symbols = context;
	size_t slot = (uintptr_t)key / 8 % CACHE_SLOTS;
	const struct binary *binary = symbols->cache[slot].binary;
	/* A script is read as it runs: there is no build for it to be newer than. */
	const struct timespec never = {.tv_sec = INT64_MAX};

	if (!key)
		return source_below(symbols, file, line, &never);
	/* name() has just been asked about that module. */
	if (symbols->cache[slot].key != key || !binary)
		return NULL;
	return source_below(symbols, file, line, &binary->written);
}

/* Without memory for them, names stay mangled and lines are not shown. */
struct symbols *symbols_open(const char *root)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	symbols->root = root;
	symbols->demangler = demangler_new();
	symbols->die_names = die_names_new(symbols->demangler);
	symbols->lines = source_lines_new();
	symbols->paths = source_paths_new();
	return symbols;
}

static void free_answers(struct symbols *symbols)
{
	for (size_t i = 0; i < ANSWER_BUCKETS; i++) {
		while (symbols->answers[i]) {
			struct answer *answer = symbols->answers[i];

			symbols->answers[i] = answer->next;
			free(answer);
		}
	}
}

static void free_names(struct symbols *symbols)
{
	while (symbols->names) {
		struct named *named = symbols->names;

		symbols->names = named->next;
		free(named->path);
		free(named);
	}
}

static void free_binaries(struct symbols *symbols)
{
	while (symbols->binaries) {
		struct binary *binary = symbols->binaries;

		symbols->binaries = binary->next;
		if (binary->dwfl)
			dwfl_end(binary->dwfl);
		free(binary);
	}
}

void symbols_renew(struct symbols *symbols)
{
	memset(symbols->cache, 0, sizeof(symbols->cache));
}

void symbols_close(struct symbols *symbols)
{
	if (!symbols)
		return;
	free_answers(symbols);
	free_names(symbols);
	free_binaries(symbols);
	die_names_free(symbols->die_names);
	demangler_free(symbols->demangler);
	source_lines_free(symbols->lines);
	source_paths_free(symbols->paths);
	free(symbols);
}

struct symbolizer symbols_symbolizer(struct symbols *symbols)
{
	return (struct symbolizer){.name = name, .source = source, .context = symbols};
}
