/* SPDX-License-Identifier: MIT */
/* Reads /proc/self/maps. */
#include <stdbool.h>
#include <string.h>

#include "mapped_file.h"
#include "sys.h"

/* Where a line is read: "LOW-HIGH perms offset dev inode   PATH". */
enum part { LOW, HIGH, FIELDS, SPACES, PATH };
#define FIELDS_BETWEEN 4

struct reading {
	uintptr_t at;
	uintptr_t low, high;
	enum part part;
	unsigned fields;
	char *to;
	size_t room, used;
};

static unsigned digit_of(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool is_there(const struct reading *r)
{
	return r->at >= r->low && r->at < r->high;
}

static void begin_line(struct reading *r)
{
	r->part = LOW;
	r->low = r->high = 0;
	r->fields = r->used = 0;
}

/* True at the end of the line that was looked for. */
static bool take(struct reading *r, char c)
{
	if (c == '\n') {
		if (is_there(r))
			return true;
		begin_line(r);
	} else if (r->part == LOW) {
		if (c == '-')
			r->part = HIGH;
		else
			r->low = r->low << 4 | digit_of(c);
	} else if (r->part == HIGH) {
		if (c == ' ')
			r->part = FIELDS;
		else
			r->high = r->high << 4 | digit_of(c);
	} else if (r->part == FIELDS) {
		if (c == ' ' && ++r->fields == FIELDS_BETWEEN)
			r->part = SPACES;
	} else if (r->part == PATH || c != ' ') {
		r->part = PATH;
		if (r->used + 1 < r->room)
			r->to[r->used++] = c;
	}
	return false;
}

void mapped_file(uintptr_t at, char *to, size_t room)
{
	struct reading r = {.at = at, .to = to, .room = room};
	int fd = sys_open("/proc/self/maps", O_RDONLY, 0);
	bool found = false;
	char bytes[512];
	ssize_t n;

	while (fd >= 0 && !found && (n = sys_read(fd, bytes, sizeof bytes)) > 0) {
		for (ssize_t i = 0; i < n && !found; i++)
			found = take(&r, bytes[i]);
	}
	if (fd >= 0)
		sys_close(fd);
	to[found ? r.used : 0] = 0;
}
