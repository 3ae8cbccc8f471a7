/* SPDX-License-Identifier: MIT */
/* Judges an ELF file: would the loader load the library, and would the library see. */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_path.h"
#include "elf_facts.h"
#include "library_path.h"
#include "secure_exec.h"
#include "traceable_findings.h"
#include "traceable_program.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool begins(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Like this command, which is what the library was built with. */
static bool same_machine(const struct elf_facts *facts)
{
	struct elf_facts own;
	bool same;

	if (elf_facts_read(&own, "/proc/self/exe") < 0)
		return true;
	same = own.class == facts->class && own.encoding == facts->encoding &&
	       own.machine == facts->machine;
	elf_facts_free(&own);
	return same;
}

/* The C library, as far as the file says; NULL: it is glibc, or says nothing. */
static const char *other_libc(const struct elf_facts *facts)
{
	const char *loader = facts->loader ? base_name(facts->loader) : "";

	if (begins(loader, "ld-musl") || elf_facts_needs(facts, "libc.musl"))
		return "musl";
	if (begins(loader, "linker"))
		return "bionic";
	if (begins(loader, "ld-uClibc") || elf_facts_needs(facts, "libc.so.0"))
		return "uClibc";
	for (size_t i = 0; i < facts->needed_count; i++)
		if (strcmp(facts->needed[i], "libc.so") == 0)
			return "musl";
	return NULL;
}

static bool is_glibc_loader(const struct elf_facts *facts)
{
	return !facts->loader && begins(facts->soname, "ld-linux");
}

/* It can be executed, by mistake: it has no entry point to speak of. */
static bool is_library(const struct elf_facts *facts)
{
	return !facts->loader && facts->soname && !is_glibc_loader(facts);
}

static bool is_static(const struct elf_facts *facts)
{
	return !facts->loader && !facts->soname;
}

static void set_kind(struct traceable_report *report, const struct elf_facts *facts)
{
	const char *machine = elf_facts_machine(facts);
	const char *libc = other_libc(facts);
	char number[32];

	snprintf(number, sizeof(number), "machine %d", facts->machine);
	if (!libc)
		libc = elf_facts_needs(facts, "libc.so.6") ? "glibc" : NULL;
	if (asprintf(&report->kind, "ELF %s%s, %s%s%s%s", machine ? machine : number,
		     facts->class == ELFCLASS32 ? " 32-bit" : "",
		     is_library(facts)   ? "a library"
		     : !is_static(facts) ? "dynamic"
		     : facts->dynamic    ? "static-pie"
					 : "static",
		     libc ? ", " : "", libc ? libc : "", facts->go ? ", Go" : "") < 0)
		report->kind = NULL;
}

static void judge_static(struct traceable_report *report, const struct elf_facts *facts)
{
	if (facts->go)
		traceable_add(report, NOT_TRACEABLE,
			      "a static Go program: it has no dynamic loader to load the "
			      "library, and calls no libc. See its sockets with "
			      "ss -tnp state close-wait");
	else
		traceable_add(report, NOT_TRACEABLE,
			      "linked statically%s: no dynamic loader reads LD_PRELOAD. "
			      "Link it without %s",
			      facts->dynamic ? ", as a PIE" : "",
			      facts->dynamic ? "-static-pie" : "-static");
}

static void judge_libc(struct traceable_report *report, const struct elf_facts *facts)
{
	const char *libc = other_libc(facts);

	if (libc) {
		traceable_add(
			report, NOT_TRACEABLE,
			"its C library is %s: the library is built for glibc, and is "
			"not loaded. Build the program on a glibc system",
			libc);
	} else if (!facts->needed_count && !is_glibc_loader(facts)) {
		traceable_add(
			report, NOT_TRACEABLE,
			"it uses no C library: it makes its own system calls, which "
			"the library does not see. See its sockets with "
			"ss -tnp state close-wait");
	} else if (facts->go) {
		traceable_add(
			report, TRACEABLE_PARTLY,
			"a Go program: Go's net package makes its own system calls, "
			"which the library does not see; only its C code is traced");
	}
}

static void judge_loader(struct traceable_report *report, const struct elf_facts *facts)
{
	int error = facts->loader ? command_path_check(facts->loader) : 0;

	if (!error)
		return;
	report->exec_status = error == -ENOENT || error == -ENOTDIR ? 127 : 126;
	traceable_add(report, NOT_TRACEABLE,
		      "its loader, %s, cannot be started (%s), nor can it. Install the "
		      "C library that it was built for",
		      facts->loader, strerror(-error));
}

static void judge_privileges(struct traceable_report *report, const char *path)
{
	id_t id;

	switch (secure_exec_of(path, &id)) {
	case SECURE_SET_UID:
		traceable_add(
			report, NOT_TRACEABLE,
			"set-uid to user %u: the loader drops LD_PRELOAD. Run it as "
			"that user, or a copy without the bit",
			id);
		break;
	case SECURE_SET_GID:
		traceable_add(
			report, NOT_TRACEABLE,
			"set-gid to group %u: the loader drops LD_PRELOAD. Run it in "
			"that group, or a copy without the bit",
			id);
		break;
	case SECURE_CAPABILITIES:
		traceable_add(
			report, NOT_TRACEABLE,
			"it has file capabilities: the loader drops LD_PRELOAD. Run "
			"it as root, or a copy, which has none");
		break;
	case SECURE_NO:
		break;
	}
}

static void judge_asan(struct traceable_report *report, const struct elf_facts *facts)
{
	const char *runtime = elf_facts_needs(facts, "libasan.so");

	if (!runtime)
		runtime = elf_facts_needs(facts, "libclang_rt.asan");
	if (!runtime)
		return;
	report->asan = strdup(runtime);
	traceable_add(
		report, TRACEABLE_PARTLY,
		"AddressSanitizer: %s must come first in LD_PRELOAD, or the program "
		"does not start. closewait run puts it there",
		runtime);
}

static bool is_shell(const char *path)
{
	static const char *const names[] = {"sh", "bash", "dash", "ash", "zsh", "ksh"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(base_name(path), names[i]) == 0)
			return true;
	return false;
}

static void judge_debug_information(struct traceable_report *report,
				    const struct elf_facts *facts)
{
	const char *servers = getenv("DEBUGINFOD_URLS");

	if (facts->lines)
		return;
	traceable_add(report, TRACEABLE, "no debug information%s: %s but no lines. %s",
		      facts->symbols ? "" : ", no .symtab",
		      facts->symbols ? "functions" : "exported functions",
		      servers && *servers
			      ? "DEBUGINFOD_URLS is set: its servers will be asked"
			      : "Build with -g, install its -dbgsym package, or set "
				"DEBUGINFOD_URLS");
}

static void judge(struct traceable_report *report, const struct elf_facts *facts,
		  const char *path)
{
	if (!same_machine(facts)) {
		traceable_add(report, NOT_TRACEABLE,
			      "built for another machine (%s) than closewait: its loader "
			      "does not take the library. Build it for this one, or "
			      "closewait for that one",
			      report->kind ? report->kind : "");
		return;
	}
	if (is_library(facts) || (facts->type != ET_EXEC && facts->type != ET_DYN)) {
		traceable_add(report, NOT_TRACEABLE,
			      "%s, no program. Name the program that uses it",
			      is_library(facts) ? "a shared library"
						: "an object file or a core");
		return;
	}
	if (is_static(facts)) {
		judge_static(report, facts);
		return;
	}
	judge_libc(report, facts);
	judge_loader(report, facts);
	judge_privileges(report, path);
	judge_asan(report, facts);
	if (report->verdict == NOT_TRACEABLE)
		return;
	if (is_glibc_loader(facts))
		traceable_add(
			report, TRACEABLE,
			"it is the loader: the program that it loads was not looked "
			"at. Name that one");
	else if (is_shell(path) && !report->shim)
		traceable_add(report, TRACEABLE,
			      "a shell: what it starts inherits the library, and was not "
			      "looked at. Name that program to have it looked at");
	else if (!is_shell(path))
		judge_debug_information(report, facts);
}

void traceable_look_at_program(struct traceable_report *report, const char *path)
{
	struct elf_facts facts;
	int error = elf_facts_read(&facts, path);

	report->program = realpath(path, NULL);
	if (error < 0) {
		report->exec_status = 126;
		traceable_add(report, NOT_TRACEABLE, "%s: %s", path,
			      error == -ENOEXEC ? "a damaged ELF file"
						: strerror(-error));
		return;
	}
	set_kind(report, &facts);
	judge(report, &facts, path);
	elf_facts_free(&facts);
}

static void judge_library(struct traceable_report *report, const char *path)
{
	struct elf_facts facts;

	if (elf_facts_read(&facts, path) < 0) {
		traceable_add(report, NOT_TRACEABLE,
			      "the library, %s, is damaged. Install closewait again",
			      path);
		return;
	}
	if (!same_machine(&facts))
		traceable_add(
			report, NOT_TRACEABLE,
			"the library, %s, is for another machine than this command. "
			"Install closewait again",
			path);
	/* Both end a name in LD_PRELOAD, and there is no way to quote them. */
	else if (strpbrk(path, " :"))
		traceable_add(report, NOT_TRACEABLE,
			      "the library's path, %s, has a blank or a colon, which "
			      "LD_PRELOAD cannot express. Move closewait",
			      path);
	elf_facts_free(&facts);
}

void traceable_look_at_library(struct traceable_report *report)
{
	char path[PATH_MAX];
	int error = library_path_find(path, sizeof(path));

	if (!error || error == -EACCES)
		report->library = strdup(path);
	if (!error)
		judge_library(report, path);
	else if (error == -EACCES)
		traceable_add(
			report, NOT_TRACEABLE,
			"the library, %s, cannot be read by this user. chmod a+r it",
			path);
	else
		traceable_add(
			report, NOT_TRACEABLE,
			"the library is not where it was installed (%s: %s). Install "
			"closewait again",
			path, strerror(-error));
}
