/* SPDX-License-Identifier: MIT */
/*
 * Ways in which a program is told that a peer has left, by poll() or epoll, and does not read it:
 * one case each (told_*.c). What must be said of it stands in the tables: the verdict, how many
 * sockets, and the function that was told ("-": none). The tests read them with `told list`.
 *
 * Usage: told HOLD_MS CASE, or told list
 */
#include <poll.h>

#include "told.h"

char buffer[64];

struct pair peer_closed(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	await_readable(pair.server);
	return pair;
}

struct pair peer_reset(void)
{
	struct pair pair = pair_open();
	struct linger linger = {.l_onoff = 1};

	setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(pair.client);
	await_readable(pair.server);
	return pair;
}

void poll_events(int fd, short events, short expected)
{
	struct pollfd fds[] = {{-1, POLLIN, 0}, {fd, events, 0}};

	must(poll(fds, 2, 10000) == 1, "poll");
	must(fds[1].revents == expected, "what poll says");
}

int main(int argc, char **argv)
{
	static const struct told_cases *const all[] = {&told_by_poll, &told_by_epoll};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		for (size_t j = 0; j < all[i]->count; j++) {
			const struct told_case *one = &all[i]->cases[j];

			if (argc == 2) {
				printf("%s %s %d %s\n", one->name, one->verdict,
				       one->count, one->told);
			} else if (argc == 3 && !strcmp(argv[2], one->name)) {
				one->bring_about();
				hold(atoi(argv[1]));
				return 0;
			}
		}
	}
	return argc == 2 ? 0 : 2;
}
