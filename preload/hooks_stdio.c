/* SPDX-License-Identifier: MIT */
/*
 * Hooks of stdio's reading. libc reads the descriptor inside, where no hook sees it; what tells of
 * an end is the stream's own flag for it, which is looked at when the call is back. Only where it
 * is set is anything else asked. How much was read is not known.
 *
 * Left out: wide characters, and what reads stdin without naming it.
 */
#include <stdarg.h>

#include "hooks.h"
#include "lifecycle.h"

/* Some are macros or inline as well. */
#undef fgetc_unlocked
#undef getc
#undef getc_unlocked
#undef fread_unlocked

/* With EOF a call may still have returned what came before it. An error is this call's, and so is
 * errno, where it failed and not for an EOF. */
static void at_end(FILE *file, bool failed)
{
	int saved = errno;
	bool eof = feof_unlocked(file);
	int fd = fileno_unlocked(file);
	struct transfer t;

	errno = saved;
	if (fd >= 0 && eof)
		lifecycle_stdio_eof(fd);
	else if (fd >= 0 && failed && lifecycle_reading(&t, fd, 1, 0, false))
		lifecycle_read(&t, -1);
	errno = saved;
}

static inline void look(FILE *file, bool failed)
{
	if (__builtin_expect(feof_unlocked(file) || ferror_unlocked(file), 0))
		at_end(file, failed);
}

CW_HOOK char *fgets(char *to, int size, FILE *file)
{
	char *line = real_get()->fgets(to, size, file);

	look(file, !line);
	return line;
}

CW_HOOK char *fgets_unlocked(char *to, int size, FILE *file)
{
	char *line = real_get()->fgets_unlocked(to, size, file);

	look(file, !line);
	return line;
}

CW_HOOK char *__fgets_chk(char *to, size_t room, int size, FILE *file)
{
	char *line = real_get()->__fgets_chk(to, room, size, file);

	look(file, !line);
	return line;
}

CW_HOOK char *__fgets_unlocked_chk(char *to, size_t room, int size, FILE *file)
{
	char *line = real_get()->__fgets_unlocked_chk(to, room, size, file);

	look(file, !line);
	return line;
}

CW_HOOK size_t fread(void *to, size_t size, size_t count, FILE *file)
{
	size_t n = real_get()->fread(to, size, count, file);

	look(file, n < count);
	return n;
}

CW_HOOK size_t fread_unlocked(void *to, size_t size, size_t count, FILE *file)
{
	size_t n = real_get()->fread_unlocked(to, size, count, file);

	look(file, n < count);
	return n;
}

CW_HOOK size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file)
{
	size_t n = real_get()->__fread_chk(to, room, size, count, file);

	look(file, n < count);
	return n;
}

CW_HOOK size_t __fread_unlocked_chk(void *to, size_t room, size_t size, size_t count,
				    FILE *file)
{
	size_t n = real_get()->__fread_unlocked_chk(to, room, size, count, file);

	look(file, n < count);
	return n;
}

CW_HOOK int fgetc(FILE *file)
{
	int c = real_get()->fgetc(file);

	look(file, c == EOF);
	return c;
}

CW_HOOK int getc(FILE *file)
{
	int c = real_get()->getc(file);

	look(file, c == EOF);
	return c;
}

CW_HOOK int _IO_getc(FILE *file)
{
	int c = real_get()->_IO_getc(file);

	look(file, c == EOF);
	return c;
}

CW_HOOK int fgetc_unlocked(FILE *file)
{
	int c = real_get()->fgetc_unlocked(file);

	look(file, c == EOF);
	return c;
}

CW_HOOK int getc_unlocked(FILE *file)
{
	int c = real_get()->getc_unlocked(file);

	look(file, c == EOF);
	return c;
}

/* What getc_unlocked() and its like call when the buffer is empty, where they are compiled in. */
CW_HOOK int __uflow(FILE *file)
{
	int c = real_get()->__uflow(file);

	look(file, c == EOF);
	return c;
}

CW_HOOK ssize_t getline(char **line, size_t *room, FILE *file)
{
	ssize_t n = real_get()->getline(line, room, file);

	look(file, n < 0);
	return n;
}

CW_HOOK ssize_t getdelim(char **line, size_t *room, int end, FILE *file)
{
	ssize_t n = real_get()->getdelim(line, room, end, file);

	look(file, n < 0);
	return n;
}

CW_HOOK ssize_t __getdelim(char **line, size_t *room, int end, FILE *file)
{
	ssize_t n = real_get()->__getdelim(line, room, end, file);

	look(file, n < 0);
	return n;
}

CW_HOOK int __isoc99_vfscanf(FILE *file, const char *format, va_list ap)
{
	int n = real_get()->__isoc99_vfscanf(file, format, ap);

	look(file, n == EOF);
	return n;
}

CW_HOOK int __isoc99_fscanf(FILE *file, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = real_get()->__isoc99_vfscanf(file, format, ap);
	va_end(ap);
	look(file, n == EOF);
	return n;
}

/* Where libc lacks it, only who looked for the name has it, and from us. */
static inline __typeof__(vfscanf) *real_isoc23(void)
{
	const struct real *r = real_get();

	return r->__isoc23_vfscanf ? r->__isoc23_vfscanf : r->__isoc99_vfscanf;
}

CW_HOOK int __isoc23_vfscanf(FILE *file, const char *format, va_list ap)
{
	int n = real_isoc23()(file, format, ap);

	look(file, n == EOF);
	return n;
}

CW_HOOK int __isoc23_fscanf(FILE *file, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = real_isoc23()(file, format, ap);
	va_end(ap);
	look(file, n == EOF);
	return n;
}

/* The names of before C99: <stdio.h> has given them to the functions above. */
int vfscanf_of_c89(FILE *file, const char *format, va_list ap) __asm__("vfscanf");
int fscanf_of_c89(FILE *file, const char *format, ...) __asm__("fscanf");

CW_HOOK int vfscanf_of_c89(FILE *file, const char *format, va_list ap)
{
	int n = real_get()->vfscanf(file, format, ap);

	look(file, n == EOF);
	return n;
}

CW_HOOK int fscanf_of_c89(FILE *file, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = real_get()->vfscanf(file, format, ap);
	va_end(ap);
	look(file, n == EOF);
	return n;
}
