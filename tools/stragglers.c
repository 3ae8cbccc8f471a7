/* SPDX-License-Identifier: MIT */
/* Waiting for processes that are not our children, by their pidfds. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host_process.h"
#include "loaded.h"
#include "stragglers.h"
#include "trace_find.h"
#include "trace_load.h"

#define NS_PER_MS 1000000ull
/* A forked process that has not begun when its parent exits (as in daemon()) begins within this, or
 * never: a fork may fail. */
#define BIRTH_NS  (1000 * NS_PER_MS)
/* That often it is looked for. */
#define LOOK_MS   2

/* The descriptors of living processes. */
struct living {
	struct pollfd *fds;
	unsigned count;
	unsigned unwatched; /* those that there is no descriptor for */
	bool unborn;        /* there may be one more in a moment */
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static void add(struct living *living, pid_t pid)
{
	struct pollfd *fds = reallocarray(living->fds, living->count + 1, sizeof(*fds));
	int fd;

	if (!fds) {
		living->unwatched++;
		return;
	}
	living->fds = fds;
	/* Linux 5.3; without it nobody is waited for. */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0)
		living->fds[living->count++] =
			(struct pollfd){.fd = fd, .events = POLLIN};
	else if (errno != ESRCH)
		living->unwatched++;
}

static void add_trace(struct living *living, const char *path)
{
	struct loaded_trace trace;

	if (trace_load_silently(&trace, path) < 0)
		return;
	for (uint32_t i = 0; i < trace.view.extent_count; i++) {
		const struct cw_process *process = trace_process(&trace.view, i);
		uint32_t state = process ? process->state : CW_PROCESS_NONE;
		pid_t pid = state == CW_PROCESS_LIVE
				    ? host_process_find(trace.view.header, process)
				    : 0;

		living->unborn |= state == CW_PROCESS_UNBORN;
		if (pid)
			add(living, pid);
	}
	trace_unload(&trace);
}

/* What has opened no socket yet is in no trace. */
static void add_loaded(struct living *living, const char *session)
{
	struct loaded_list list;

	if (loaded_list_read(&list, session) == 0)
		for (size_t i = 0; i < list.count; i++)
			if (list.images[i].start &&
			    host_process_start(list.images[i].pid) ==
				    list.images[i].start)
				add(living, list.images[i].pid);
	loaded_list_free(&list);
}

static struct living look(const char *session)
{
	struct living living = {0};
	struct trace_list list;

	if (trace_find_session(&list, session) == 0)
		for (size_t i = 0; i < list.count; i++)
			add_trace(&living, list.paths[i]);
	trace_list_free(&list);
	add_loaded(&living, session);
	return living;
}

static void forget(struct living *living)
{
	for (unsigned i = 0; i < living->count; i++)
		if (living->fds[i].fd >= 0)
			close(living->fds[i].fd);
	free(living->fds);
}

/* One that has ended is readable for ever: it is not asked again. */
static unsigned wait_for(struct living *living, uint64_t end)
{
	unsigned left = living->count;

	while (left) {
		uint64_t moment = now();

		if (moment >= end || poll(living->fds, living->count,
					  (int)((end - moment) / NS_PER_MS) + 1) < 0)
			break;
		for (unsigned i = 0; i < living->count; i++) {
			if (living->fds[i].events && living->fds[i].revents) {
				living->fds[i].events = 0;
				close(living->fds[i].fd);
				living->fds[i].fd = -1;
				left--;
			}
		}
	}
	return left;
}

static struct living look_for_births(const char *session, uint64_t end)
{
	struct living living = look(session);
	uint64_t born = now() + BIRTH_NS;

	while (!living.count && living.unborn && now() < end && now() < born) {
		forget(&living);
		poll(NULL, 0, LOOK_MS);
		living = look(session);
	}
	return living;
}

/* Looked for again after those known have ended: one may have forked meanwhile. */
unsigned stragglers_wait(const char *session, uint64_t ns)
{
	uint64_t end = now() + ns;
	unsigned left;

	do {
		struct living living = look_for_births(session, end);

		if (!living.count)
			return living.unwatched;
		left = wait_for(&living, end);
		forget(&living);
	} while (!left);
	return left;
}
