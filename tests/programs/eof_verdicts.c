/* SPDX-License-Identifier: MIT */
/* Which verdict follows from what came before and after it. */
#include <poll.h>

#include "eof_rules.h"

static void half_closed_client(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "ask", 3, 0) == 3, "send");
	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, 3, MSG_WAITALL));
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	for (int i = 0; i < 3; i++) {
		told("send", send(pair.server, "answer", 6, 0));
		told("client's recv", recv(pair.client, buffer, 6, MSG_WAITALL));
	}
}

static void half_closed_client_answered_out_of_sight(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	hold(20);
	answer_out_of_sight(&pair);
}

static void answered_out_of_sight_then_eof(void)
{
	struct pair pair = pair_open();

	answer_out_of_sight(&pair);
	hold(40); /* the kernel tells such times in ticks */
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void own_shutdown_then_fin(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_WR), "shutdown");
	told("client's recv", recv(pair.client, buffer, sizeof buffer, 0));
	close(pair.client);
}

static void own_shutdown_then_fin_read(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_WR), "shutdown");
	told("client's recv", recv(pair.client, buffer, sizeof buffer, 0));
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void reset_by(int fd)
{
	struct linger linger = {.l_onoff = 1};

	must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), "SO_LINGER");
	close(fd);
}

static void reset_unlearned(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
}

static void reset_learned_by_recv(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void reset_learned_by_send(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("send", send(pair.server, "x", 1, MSG_NOSIGNAL));
}

static void connected_without_waiting_then_reset(void)
{
	struct pair pair = pair_open();
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), server;

	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	told("connect", connect(fd, (struct sockaddr *)&address, size));
	server = accept(pair.listener, NULL, NULL);
	reset_by(server);
	await_readable(fd);
}

static void reset_and_closed(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	must(!close(pair.server), "close");
}

static void idle_pool(void)
{
	for (int i = 0; i < 5; i++) {
		struct pair pair = pair_open();

		must(send(pair.client, "ask", 3, 0) == 3, "send");
		must(recv(pair.server, buffer, sizeof buffer, 0) == 3, "recv");
		must(send(pair.server, "answer", 6, 0) == 6, "send");
		told("recv", recv(pair.client, buffer, sizeof buffer, 0));
		close(pair.server);
		close(pair.listener);
		await_readable(pair.client);
	}
}

static void await_error(int fd)
{
	struct pollfd poll_fd = {.fd = fd};

	must(poll(&poll_fd, 1, 10000) == 1, "poll");
}

static void eof_then_reset(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	await_readable(pair.server);
	learn_first(pair.server);
	reset_by(pair.client);
	await_error(pair.server);
	told("send", send(pair.server, "x", 1, MSG_NOSIGNAL));
}

/* The peer is gone: the first answer brings a reset, the second learns of it. */
static void eof_then_answers_into_a_reset(void)
{
	struct pair pair = peer_closed();

	learn_first(pair.server);
	told("send", send(pair.server, "answer", 6, MSG_NOSIGNAL));
	await_error(pair.server);
	told("send", send(pair.server, "answer", 6, MSG_NOSIGNAL));
}

static const struct eof_case cases[] = {
	{"half_closed_client", half_closed_client, "half-closed", 1},
	{"half_closed_client_answered_out_of_sight",
	 half_closed_client_answered_out_of_sight, "half-closed", 1},
	{"answered_out_of_sight_then_eof", answered_out_of_sight_then_eof, "eof-ignored",
	 1},
	{"own_shutdown_then_fin", own_shutdown_then_fin, "shutdown-unclosed", 1},
	{"own_shutdown_then_fin_read", own_shutdown_then_fin_read, "shutdown-unclosed",
	 1},
	{"reset_unlearned", reset_unlearned, "reset-ignored", 1},
	{"reset_learned_by_recv", reset_learned_by_recv, "reset-ignored", 1},
	{"reset_learned_by_send", reset_learned_by_send, "reset-ignored", 1},
	{"connected_without_waiting_then_reset", connected_without_waiting_then_reset,
	 "reset-ignored", 1},
	{"reset_and_closed", reset_and_closed, "-", 0},
	{"idle_pool", idle_pool, "idle-client", 5},
	{"eof_then_reset", eof_then_reset, "eof-ignored", 1},
	{"eof_then_answers_into_a_reset", eof_then_answers_into_a_reset, "eof-ignored",
	 1},
};

const struct eof_cases eof_verdicts = {cases, sizeof cases / sizeof *cases};
