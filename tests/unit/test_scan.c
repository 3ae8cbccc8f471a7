/* SPDX-License-Identifier: MIT */
/* Whom a scan puts sockets down to, on a /proc made of files that changes under its eyes. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_proc.h"
#include "unit.h"

#define NOBODY 65534

static struct fake fake;
static struct scan scan;

static const uint64_t one[] = {501, 0}, two[] = {502, 0}, three[] = {501, 502, 503, 0};

static int set_up(void **state)
{
	(void)state;
	fake_init(&fake);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scan_free(&scan);
	fake_clear(&fake);
	return 0;
}

static void joins_sockets_with_their_process(void **state)
{
	const struct scan_process *process;

	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, three);
	fake_process(&fake, 11, 100, FAKE_NETNS, (const uint64_t[]){0});
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 1);
	fake_socket(&fake, 503, 8)->look.last_ack_recv = 5500;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.sockets, 3);
	assert_int_equal(scan.looked_at, 2);
	process = &scan.processes[0];
	assert_int_equal(process->pid, 10);
	assert_int_equal(process->count, 3);
	assert_int_equal(process->eof[SCAN_EOF_READ], 1);
	assert_int_equal(process->eof[SCAN_EOF_UNREAD], 2);
	assert_int_equal(process->unread, 7);
	assert_int_equal(process->oldest.at_least, 5500);
	assert_int_equal(process->oldest.at_most, 6000);
	assert_int_equal(process->sockets[0].fd, 5);
	assert_int_equal(process->descriptors, 6);
	assert_int_equal(process->limit, 1024);
	assert_string_equal(process->name, "server");
	assert_string_equal(process->command, "./server -p 8080");
	assert_int_equal(scan.hidden.sockets, 0);
}

/* The kernel resets last_ack_recv where it takes an answer to a keepalive: the age then is what
 * it is at least. */
static void min_age_goes_by_the_lower_bound(void **state)
{
	const struct scan_request request = {1u << TCP_CLOSE_WAIT, 5000, 0};

	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, three);
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 0)->look.last_ack_recv = 4999;
	assert_int_equal(fake_scan(&fake, &scan, &request), 0);
	assert_int_equal(scan.processes[0].count, 1);
	assert_int_equal(scan.young, 1);
}

static void duplicates_are_one_socket(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, (const uint64_t[]){501, 501, 501, 0});
	fake_process(&fake, 12, 100, FAKE_NETNS, one);
	fake_socket(&fake, 501, 0);
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.sockets, 1);
	assert_int_equal(scan.count, 2);
	assert_int_equal(scan.processes[0].count, 1);
	assert_int_equal(scan.processes[0].sockets[0].fd, 3);
	assert_int_equal(scan.processes[0].sockets[0].row->holders, 2);
}

static void each_namespace_is_asked_once(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 11, 100, FAKE_NETNS, (const uint64_t[]){0});
	fake_process(&fake, 12, 100, FAKE_NETNS + 1, two);
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 0);
	fake.netns[1] = FAKE_NETNS + 1;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(fake.queries, 2);
	assert_int_equal(scan.namespaces, 2);
	assert_int_equal(scan.count, 2);
	assert_int_equal(scan.processes[1].netns, FAKE_NETNS + 1);
}

/* The socket of a namespace that may not be entered is in no table that was read. */
static void refused_namespace_is_counted(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 12, 100, FAKE_NETNS + 1, two);
	fake_socket(&fake, 501, 0);
	fake.refused_netns = FAKE_NETNS + 1;
	fake.unlisted = UNLISTED_ALIVE;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.hidden.namespaces, 1);
	assert_int_equal(scan.hidden.elsewhere, 1);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].detached_count, 0);
}

static struct diag_socket *listener(uint64_t inode)
{
	struct diag_socket *socket = fake_socket(&fake, inode, 0);

	socket->look.state = TCP_LISTEN;
	return socket;
}

/* Its own descriptor appears with accept(). */
static void connection_that_nobody_accepted_is_the_listeners(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, (const uint64_t[]){501, 501, 0});
	fake_process(&fake, 11, 100, FAKE_NETNS, two);
	fake_socket(&fake, 0, 1);
	listener(501);
	listener(502)->look.local.ip[3]++;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.unaccepted, 1);
	assert_int_equal(scan.hidden.unaccepted, 0);
	assert_int_equal(scan.hidden.sockets, 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].pid, 10);
	assert_int_equal(scan.processes[0].count, 0);
	assert_int_equal(scan.processes[0].unaccepted, 1);
}

static void connection_of_a_wildcard_listener(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_socket(&fake, 0, 1);
	memset(listener(501)->look.local.ip, 0, 16);
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.processes[0].unaccepted, 1);
}

/* With SO_REUSEPORT. */
static void connection_that_may_be_of_two_listeners_is_nobodys(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 11, 100, FAKE_NETNS, two);
	fake_socket(&fake, 0, 1);
	listener(501);
	listener(502);
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
	assert_int_equal(scan.unaccepted, 1);
	assert_int_equal(scan.hidden.unaccepted, 1);
}

static void unlisted_sockets_are_what_they_say(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake.unlisted = UNLISTED_NO_TCP;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
	fake.unlisted = UNLISTED_FRESH;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
	fake.unlisted = UNLISTED_UNTOLD;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.processes[0].detached_count, 0);
	assert_int_equal(scan.processes[0].untold, 1);
	scan_free(&scan);
	fake.unlisted = UNLISTED_DEAD;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.processes[0].detached_count, 1);
	assert_int_equal(scan.processes[0].count, 0);
}

/* In a table, but in another state. */
static void listed_sockets_are_not_asked(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_socket(&fake, 501, 0)->look.state = TCP_ESTABLISHED;
	fake.unlisted = UNLISTED_DEAD;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
}

/* What happens between two looks */

static void end_10_when_queried(struct fake *f, enum scan_step step, pid_t pid)
{
	(void)pid;
	if (step != SCAN_QUERIED)
		return;
	fake_end(f, 10);
	fake_unlist(f, 501);
}

static void process_ends_before_it_is_read(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 11, 100, FAKE_NETNS, two);
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 0);
	fake.step = end_10_when_queried;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].pid, 11);
	assert_int_equal(scan.hidden.sockets, 0);
}

/* The number goes to a process that holds nothing of it. */
static void reuse_10(struct fake *f, enum scan_step step, pid_t pid)
{
	if (step != SCAN_READ || pid != 10)
		return;
	f->step = NULL;
	fake_end(f, 10);
	fake_process(f, 10, 999, FAKE_NETNS, (const uint64_t[]){0});
}

static void pid_is_reused_while_it_is_read(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_socket(&fake, 501, 0);
	fake.step = reuse_10;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.changed, 1);
	assert_int_equal(scan.sockets, 0);
	assert_int_equal(scan.hidden.sockets, 1); /* it is still listed */
	for (size_t i = 0; i < scan.count; i++)
		assert_int_not_equal(scan.processes[i].pid, 10);
}

static void reuse_10_before_asking(struct fake *f, enum scan_step step, pid_t pid)
{
	(void)pid;
	if (step != SCAN_JOINED)
		return;
	fake_end(f, 10);
	fake_process(f, 10, 999, FAKE_NETNS, one);
}

static void pid_is_reused_before_unlisted_sockets_are_asked(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake.unlisted = UNLISTED_DEAD;
	fake.step = reuse_10_before_asking;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
}

static void hand_over_to_12(struct fake *f, enum scan_step step, pid_t pid)
{
	if (step != SCAN_JOINED)
		return;
	(void)pid;
	fake_process(f, 12, 200, FAKE_NETNS, one);
}

/* A server forks for each connection: the table shows one whose holder was not there when
 * /proc was listed. */
static void process_that_came_meanwhile_is_read(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, two);
	fake_socket(&fake, 501, 0);
	fake.step = hand_over_to_12;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].pid, 12);
	assert_int_equal(scan.hidden.sockets, 0);
}

static void close_501(struct fake *f, enum scan_step step, pid_t pid)
{
	char path[64];

	(void)pid;
	if (step != SCAN_QUERIED)
		return;
	snprintf(path, sizeof(path), "%s/10/fd/3", f->root);
	unlink(path);
	fake_unlist(f, 501);
}

static void socket_that_was_closed_meanwhile_is_not_hidden(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_socket(&fake, 501, 0);
	fake.step = close_501;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 0);
	assert_int_equal(scan.hidden.sockets, 0);
}

static void move_10_to_another_namespace(struct fake *f, enum scan_step step, pid_t pid)
{
	(void)pid;
	if (step != SCAN_LISTED)
		return;
	fake_end(f, 10);
	fake_process(f, 10, 100, FAKE_NETNS + 1, one);
}

/* The next process of the namespace is taken to ask in. */
static void namespace_is_asked_where_a_process_still_is(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 11, 100, FAKE_NETNS, two);
	fake_socket(&fake, 502, 0);
	fake.step = move_10_to_another_namespace;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].pid, 11);
}

/* Without a privilege: root may read everything */

static void become_nobody(void)
{
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	fake_init(&fake);
}

static int nobody_set_up(void **state)
{
	(void)state;
	become_nobody();
	return 0;
}

static int nobody_tear_down(void **state)
{
	fake_fd_mode(&fake, 10, 0755);
	tear_down(state);
	return getuid() == 0 ? seteuid(0) : 0;
}

static void process_that_may_not_be_read_is_hidden(void **state)
{
	const struct scan_request request = {1u << TCP_CLOSE_WAIT, 0, 10};

	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, one);
	fake_process(&fake, 11, 100, FAKE_NETNS, two);
	fake_fd_mode(&fake, 10, 0);
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 0);
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.hidden.processes, 1);
	assert_int_equal(scan.hidden.sockets, 1);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].pid, 11);
	scan_free(&scan);
	assert_int_equal(fake_scan(&fake, &scan, &request), -EACCES);
}

static void forbid_10(struct fake *f, enum scan_step step, pid_t pid)
{
	if (step != SCAN_SOCKET || pid != 10)
		return;
	f->step = NULL;
	fake_fd_mode(f, 10, 0);
}

/* What was seen before stays, and is said not to be all. */
static void permission_is_lost_midway(void **state)
{
	(void)state;
	fake_process(&fake, 10, 100, FAKE_NETNS, three);
	fake_socket(&fake, 501, 0);
	fake_socket(&fake, 502, 0);
	fake_socket(&fake, 503, 0);
	fake.step = forbid_10;
	assert_int_equal(fake_scan(&fake, &scan, NULL), 0);
	assert_int_equal(scan.hidden.processes, 1);
	assert_int_equal(scan.looked_at, 0);
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.processes[0].count, 1);
	assert_true(scan.processes[0].incomplete);
	assert_int_equal(scan.hidden.sockets, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_AS_NOBODY(name) \
	cmocka_unit_test_setup_teardown(name, nobody_set_up, nobody_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(joins_sockets_with_their_process),
		TEST(min_age_goes_by_the_lower_bound),
		TEST(duplicates_are_one_socket),
		TEST(each_namespace_is_asked_once),
		TEST(refused_namespace_is_counted),
		TEST(connection_that_nobody_accepted_is_the_listeners),
		TEST(connection_of_a_wildcard_listener),
		TEST(connection_that_may_be_of_two_listeners_is_nobodys),
		TEST(unlisted_sockets_are_what_they_say),
		TEST(listed_sockets_are_not_asked),
		TEST(process_ends_before_it_is_read),
		TEST(pid_is_reused_while_it_is_read),
		TEST(pid_is_reused_before_unlisted_sockets_are_asked),
		TEST(process_that_came_meanwhile_is_read),
		TEST(socket_that_was_closed_meanwhile_is_not_hidden),
		TEST(namespace_is_asked_where_a_process_still_is),
		TEST_AS_NOBODY(process_that_may_not_be_read_is_hidden),
		TEST_AS_NOBODY(permission_is_lost_midway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
