/* SPDX-License-Identifier: MIT */
/*
 * What is an EOF, whose it is, and which verdict it leads to: one case each (eof_*.c). A case
 * prints what the program itself knows; what must be said of it stands in the tables, and the
 * tests read them with `eof_rules list`.
 *
 * Usage: eof_rules HOLD_MS CASE, or eof_rules list
 */
#include <errno.h>

#include "descriptors.h"
#include "eof_rules.h"

char buffer[64];

ssize_t told(const char *what, ssize_t result)
{
	int error = errno;

	if (result < 0)
		printf("%s: %s\n", what, strerror(error));
	else
		printf("%s: %zd\n", what, result);
	return result;
}

struct pair peer_closed(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	await_readable(pair.server);
	return pair;
}

int at_eof(void)
{
	int fd = peer_closed().server;

	must(recv(fd, buffer, sizeof buffer, 0) == 0, "EOF");
	return fd;
}

void learn_first(int fd)
{
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

struct pair used_by_both(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "ask", 3, 0) == 3, "send");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 3, "recv");
	must(send(pair.server, "answer", 6, 0) == 6, "send");
	must(recv(pair.client, buffer, sizeof buffer, 0) == 6, "recv");
	return pair;
}

/* dprintf() writes inside libc, where no hook sees it. */
void answer_out_of_sight(const struct pair *pair)
{
	told("dprintf", dprintf(pair->server, "answer"));
	told("client's recv", recv(pair->client, buffer, 6, MSG_WAITALL));
}

static void bring_about(const struct eof_case *one, const char *ms)
{
	one->bring_about();
	descriptors_print();
	hold(atoi(ms));
}

int main(int argc, char **argv)
{
	static const struct eof_cases *const all[] = {
		&eof_kinds, &eof_closing, &eof_numbers, &eof_verdicts, &eof_rare_names};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		for (size_t j = 0; j < all[i]->count; j++) {
			const struct eof_case *one = &all[i]->cases[j];

			if (argc == 2) {
				printf("%s %s %d\n", one->name, one->verdict, one->count);
			} else if (argc == 3 && !strcmp(argv[2], one->name)) {
				bring_about(one, argv[1]);
				return 0;
			}
		}
	}
	return argc == 2 ? 0 : 2;
}
