/* SPDX-License-Identifier: MIT */
/*
 * Connections that are read by stdio: one case each, and what must be said of it: the verdict, how
 * many sockets, and the function that read the EOF ("-": none). The tests read it with
 * `stdio list`.
 *
 * Usage: stdio HOLD_MS CASE, or stdio list
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "loopback.h"
#include "out_of_sight.h"

#define STEP static __attribute__((noinline))

static char buffer[64];
static volatile int size = sizeof buffer; /* not known to the compiler */

/* The peer sends that much and closes. */
STEP FILE *stream_after(const char *text)
{
	struct pair pair = pair_open();
	ssize_t length = (ssize_t)strlen(text);
	FILE *file;

	must(send(pair.client, text, (size_t)length, 0) == length, "send");
	close(pair.client);
	await_readable(pair.server);
	file = fdopen(pair.server, "r");
	must(file != NULL, "fdopen");
	return file;
}

STEP void read_lines(FILE *file)
{
	while (fgets(buffer, sizeof buffer, file))
		;
}

STEP void read_lines_checked(FILE *file)
{
	while (fgets(buffer + 1, size - 1, file))
		;
}

STEP void read_lines_unlocked(FILE *file)
{
	while (fgets_unlocked(buffer, sizeof buffer, file))
		;
}

STEP void read_blocks(FILE *file)
{
	while (fread(buffer, 1, 4, file) == 4)
		;
}

STEP void read_blocks_checked(FILE *file)
{
	while (fread(buffer + 1, 1, (size_t)size - 1, file) == (size_t)size - 1)
		;
}

STEP void read_blocks_unlocked(FILE *file)
{
	while (fread_unlocked(buffer, 1, 4, file) == 4)
		;
}

STEP void read_bytes(FILE *file)
{
	while (fgetc(file) != EOF)
		;
}

STEP void get_bytes(FILE *file)
{
	while (getc(file) != EOF)
		;
}

STEP void get_bytes_unlocked(FILE *file)
{
	while (getc_unlocked(file) != EOF)
		;
}

STEP void get_lines(FILE *file)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, file) >= 0)
		;
	free(line);
}

STEP void get_fields(FILE *file)
{
	char *field = NULL;
	size_t room = 0;

	while (getdelim(&field, &room, ' ', file) >= 0)
		;
	free(field);
}

STEP void scan_words(FILE *file)
{
	while (fscanf(file, "%63s", buffer) == 1)
		;
}

/* The names that fscanf() and vfscanf() have in programs of other standards than C99. The last two
 * are glibc 2.38's; where it is older only the library under test has them. */
int fscanf_of_c89(FILE *file, const char *format, ...) __asm__("fscanf");
int vfscanf_of_c89(FILE *file, const char *format, va_list ap) __asm__("vfscanf");
int __isoc23_fscanf(FILE *file, const char *format, ...) __attribute__((weak));
int __isoc23_vfscanf(FILE *file, const char *format, va_list ap) __attribute__((weak));

STEP void scan_words_of_c89(FILE *file)
{
	while (fscanf_of_c89(file, "%63s", buffer) == 1)
		;
}

STEP void scan_words_of_c23(FILE *file)
{
	must(__isoc23_fscanf != NULL, "__isoc23_fscanf");
	while (__isoc23_fscanf(file, "%63s", buffer) == 1)
		;
}

STEP void scan_words_by(int (*scan)(FILE *, const char *, va_list), FILE *file, ...)
{
	va_list ap;
	int n;

	do {
		va_start(ap, file);
		n = scan(file, "%63s", ap);
		va_end(ap);
	} while (n == 1);
}

static void by_fgets(void)
{
	read_lines(stream_after("one\ntwo\n"));
}

static void by_fgets_checked(void)
{
	read_lines_checked(stream_after("one\ntwo\n"));
}

static void by_fgets_unlocked(void)
{
	read_lines_unlocked(stream_after("one\ntwo\n"));
}

static void by_fread(void)
{
	read_blocks(stream_after("one\ntwo\n"));
}

static void by_fread_checked(void)
{
	read_blocks_checked(stream_after("one\ntwo\n"));
}

static void by_fread_unlocked(void)
{
	read_blocks_unlocked(stream_after("one\ntwo\n"));
}

static void by_fgetc(void)
{
	read_bytes(stream_after("one\ntwo\n"));
}

static void by_getc(void)
{
	get_bytes(stream_after("one\ntwo\n"));
}

static void by_getc_unlocked(void)
{
	get_bytes_unlocked(stream_after("one\ntwo\n"));
}

static void by_getline(void)
{
	get_lines(stream_after("one\ntwo\n"));
}

static void by_getdelim(void)
{
	get_fields(stream_after("one two "));
}

static void by_fscanf(void)
{
	scan_words(stream_after("one two "));
}

static void by_vfscanf(void)
{
	scan_words_by(vfscanf, stream_after("one two "), buffer);
}

static void by_fscanf_of_c89(void)
{
	scan_words_of_c89(stream_after("one two "));
}

static void by_vfscanf_of_c89(void)
{
	scan_words_by(vfscanf_of_c89, stream_after("one two "), buffer);
}

static void by_fscanf_of_c23(void)
{
	scan_words_of_c23(stream_after("one two "));
}

static void by_vfscanf_of_c23(void)
{
	must(__isoc23_vfscanf != NULL, "__isoc23_vfscanf");
	scan_words_by(__isoc23_vfscanf, stream_after("one two "), buffer);
}

/* It returns what there is, and has read the EOF behind it. */
STEP void read_last_line(FILE *file)
{
	must(fgets(buffer, sizeof buffer, file) && !strcmp(buffer, "one"), "fgets");
	must(feof(file), "EOF");
}

static void behind_a_last_line(void)
{
	read_last_line(stream_after("one"));
}

/* The FIN is taken from the kernel together with the line, and the EOF never read. */
static void not_as_far_as_the_end(void)
{
	FILE *file = stream_after("one\n");

	must(fgets(buffer, sizeof buffer, file) != NULL && !feof(file), "fgets");
}

static void not_at_all(void)
{
	stream_after("one\n");
}

static void closed_by_fclose(void)
{
	FILE *file = stream_after("one\n");

	read_lines(file);
	must(!fclose(file), "fclose");
}

/* The end is the file's; the socket that had the number is connected still, as another. */
static void file_read_by_the_number_of_a_socket(void)
{
	int fd = pair_open().server;
	FILE *file;

	must(dup(fd) > fd && !raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
	file = fdopen(fd, "r");
	must(file && !fgets(buffer, sizeof buffer, file), "EOF");
}

static void live_connection_after_a_file(void)
{
	FILE *file = fopen("/dev/null", "r");

	must(file && !fgets(buffer, sizeof buffer, file), "EOF");
	must(dup2(pair_open().server, fileno(file)) >= 0, "dup2");
	must(!fgets(buffer, sizeof buffer, file), "EOF, as before");
}

STEP void learn_of_reset(FILE *file)
{
	must(!fgets(buffer, sizeof buffer, file) && errno == ECONNRESET, "a reset");
}

static void reset(void)
{
	struct pair pair = pair_open();
	struct linger linger = {.l_onoff = 1};

	setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(pair.client);
	await_readable(pair.server);
	learn_of_reset(fdopen(pair.server, "r"));
}

static const struct {
	const char *name;
	void (*bring_about)(void);
	const char *verdict;
	int count;
	const char *reader;
} cases[] = {
	{"by_fgets", by_fgets, "eof-ignored", 1, "read_lines"},
	{"by_fgets_checked", by_fgets_checked, "eof-ignored", 1, "read_lines_checked"},
	{"by_fgets_unlocked", by_fgets_unlocked, "eof-ignored", 1, "read_lines_unlocked"},
	{"by_fread", by_fread, "eof-ignored", 1, "read_blocks"},
	{"by_fread_checked", by_fread_checked, "eof-ignored", 1, "read_blocks_checked"},
	{"by_fread_unlocked", by_fread_unlocked, "eof-ignored", 1,
	 "read_blocks_unlocked"},
	{"by_fgetc", by_fgetc, "eof-ignored", 1, "read_bytes"},
	{"by_getc", by_getc, "eof-ignored", 1, "get_bytes"},
	{"by_getc_unlocked", by_getc_unlocked, "eof-ignored", 1, "get_bytes_unlocked"},
	{"by_getline", by_getline, "eof-ignored", 1, "get_lines"},
	{"by_getdelim", by_getdelim, "eof-ignored", 1, "get_fields"},
	{"by_fscanf", by_fscanf, "eof-ignored", 1, "scan_words"},
	{"by_vfscanf", by_vfscanf, "eof-ignored", 1, "scan_words_by"},
	{"by_fscanf_of_c89", by_fscanf_of_c89, "eof-ignored", 1, "scan_words_of_c89"},
	{"by_vfscanf_of_c89", by_vfscanf_of_c89, "eof-ignored", 1, "scan_words_by"},
	{"by_fscanf_of_c23", by_fscanf_of_c23, "eof-ignored", 1, "scan_words_of_c23"},
	{"by_vfscanf_of_c23", by_vfscanf_of_c23, "eof-ignored", 1, "scan_words_by"},
	{"behind_a_last_line", behind_a_last_line, "eof-ignored", 1, "read_last_line"},
	{"not_as_far_as_the_end", not_as_far_as_the_end, "eof-unread", 1, "-"},
	{"not_at_all", not_at_all, "eof-unread", 1, "-"},
	{"closed_by_fclose", closed_by_fclose, "-", 0, "-"},
	{"file_read_by_the_number_of_a_socket", file_read_by_the_number_of_a_socket, "-",
	 0, "-"},
	{"live_connection_after_a_file", live_connection_after_a_file, "-", 0, "-"},
	{"reset", reset, "reset-ignored", 1, "learn_of_reset"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2)
			printf("%s %s %d %s\n", cases[i].name, cases[i].verdict,
			       cases[i].count, cases[i].reader);
		else if (argc == 3 && !strcmp(argv[2], cases[i].name)) {
			cases[i].bring_about();
			hold(atoi(argv[1]));
			return 0;
		}
	}
	return argc == 2 ? 0 : 2;
}
