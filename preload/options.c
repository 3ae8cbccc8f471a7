/* SPDX-License-Identifier: MIT */
/* Reads CLOSEWAIT_OPTIONS. */
#include <string.h>

#include "notice.h"
#include "options.h"
#include "trace/duration.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  (1000 * NS_PER_MS)

struct options options = {
	.exitcode = -1,
	.grace = 1 * NS_PER_S,
	.slow_close = 10 * NS_PER_S,
	.signals = true,
};

const char options_help[] =
	"closewait " CW_VERSION ": CLOSEWAIT_OPTIONS=key=value:key=value\n"
	"  report=stderr|none|FILE   where the report goes; %p in FILE is the pid (stderr)\n"
	"  exitcode=N                exit with N if there are leaks (1..255; not set)\n"
	"  grace=DURATION            younger states are counted, not judged (1s)\n"
	"  slow_close=DURATION       a close later than this is a fault (10s)\n"
	"  dir=DIR                   where traces are kept (/dev/shm/closewait-UID)\n"
	"  keep=leaks|always|never   keep the trace after exit (leaks)\n"
	"  signals=yes|no            report also when a signal ends the process (yes)\n"
	"  unwind=known|full|audit   unwind every stack; compare with libunwind (known)\n"
	"  show=open                 list healthy open sockets too\n"
	"  help=1                    this text\n"
	"durations: 100ms, 10s, 2m, 1h; a bare number is seconds\n";

static bool parse_bool(const char *text, bool *value)
{
	*value = strcmp(text, "yes") == 0 || strcmp(text, "1") == 0 ||
		 strcmp(text, "true") == 0;
	return *value || strcmp(text, "no") == 0 || strcmp(text, "0") == 0 ||
	       strcmp(text, "false") == 0;
}

static bool parse_path(const char *text, char *path, size_t room)
{
	size_t size = strlen(text);

	if (size == 0 || size >= room)
		return false;
	memcpy(path, text, size + 1);
	return true;
}

static bool set_report(const char *v)
{
	if (strcmp(v, "stderr") == 0)
		options.report = REPORT_STDERR;
	else if (strcmp(v, "none") == 0)
		options.report = REPORT_NONE;
	else if (parse_path(v, options.report_file, sizeof options.report_file))
		options.report = REPORT_FILE;
	else
		return false;
	return true;
}

static bool set_exitcode(const char *v)
{
	uint64_t n;
	const char *rest;

	if (!number_parse(v, &n, &rest) || *rest || n < 1 || n > 255)
		return false;
	options.exitcode = (int)n;
	return true;
}

static bool set_grace(const char *v)
{
	return duration_parse(v, &options.grace);
}

static bool set_slow_close(const char *v)
{
	return duration_parse(v, &options.slow_close);
}

static bool set_dir(const char *v)
{
	return v[0] == '/' && parse_path(v, options.dir, sizeof options.dir);
}

static bool set_session(const char *v)
{
	return v[0] == '/' && parse_path(v, options.session, sizeof options.session);
}

static bool set_keep(const char *v)
{
	if (strcmp(v, "leaks") == 0)
		options.keep = KEEP_LEAKS;
	else if (strcmp(v, "always") == 0)
		options.keep = KEEP_ALWAYS;
	else if (strcmp(v, "never") == 0)
		options.keep = KEEP_NEVER;
	else
		return false;
	return true;
}

static bool set_signals(const char *v)
{
	bool on;

	if (!parse_bool(v, &on))
		return false;
	options.signals = on;
	return true;
}

static bool set_unwind(const char *v)
{
	if (strcmp(v, "known") == 0)
		options.unwind = UNWIND_KNOWN;
	else if (strcmp(v, "full") == 0)
		options.unwind = UNWIND_FULL;
	else if (strcmp(v, "audit") == 0)
		options.unwind = UNWIND_AUDIT;
	else
		return false;
	return true;
}

static bool set_show(const char *v)
{
	options.show_open = strcmp(v, "open") == 0;
	return options.show_open;
}

static bool set_help(const char *v)
{
	return parse_bool(v, &options.help);
}

/* One row a key: how to set it, and what stays in force if that fails. `session` is between
 * `closewait run` and the library: it stands in no help for users. */
static const struct {
	const char *key;
	bool (*set)(const char *value);
	const char *otherwise;
} keys[] = {
	{"report", set_report, "the report goes to stderr"},
	{"exitcode", set_exitcode,
	 "the exit status is left alone (1 to 255 are possible)"},
	{"grace", set_grace, "grace is 1s"},
	{"slow_close", set_slow_close, "slow_close is 10s"},
	{"dir", set_dir, "the default is used (an absolute path is needed)"},
	{"session", set_session,
	 "this process is on its own (an absolute path is needed)"},
	{"keep", set_keep, "keep is leaks"},
	{"signals", set_signals, "signals is yes"},
	{"unwind", set_unwind, "known stacks are recognised"},
	{"show", set_show, "only findings are shown"},
	{"help", set_help, "no help is shown"},
};

static void set(const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (strcmp(key, keys[i].key) != 0)
			continue;
		if (!keys[i].set(value))
			notice_add("CLOSEWAIT_OPTIONS: bad value '", value, "' for ", key,
				   ": ", keys[i].otherwise, NULL);
		return;
	}
	notice_add("CLOSEWAIT_OPTIONS: unknown key '", key,
		   "', ignored (help=1 lists them)", NULL);
}

/* Copies one field up to `:` (or for a key also `=`), taking quotes away. */
static const char *field(const char *p, bool is_key, char *to, size_t room)
{
	size_t n = 0;
	char quote = 0;

	for (; *p; p++) {
		if (quote && *p == quote) {
			quote = 0;
			continue;
		}
		if (!quote && !is_key && (*p == '\'' || *p == '"')) {
			quote = *p;
			continue;
		}
		if (!quote && (*p == ':' || (is_key && *p == '=')))
			break;
		if (n + 1 < room)
			to[n++] = *p;
	}
	to[n] = 0;
	return p;
}

void options_parse(const char *p)
{
	char key[64];
	char value[256];

	while (p && *p) {
		p = field(p, true, key, sizeof key);
		value[0] = 0;
		if (*p == '=')
			p = field(p + 1, false, value, sizeof value);
		if (key[0] || value[0])
			set(key, value);
		if (*p == ':')
			p++;
	}
}
