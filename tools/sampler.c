/* SPDX-License-Identifier: MIT */
/* Looking at the kernel's table again and again, and writing down what has changed. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A run is not to end because a look found no memory. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "complain.h"
#include "diag.h"
#include "host_process.h"
#include "namespaces.h"
#include "sampler.h"
#include "samples.h"

/* A socket that the last look found in CLOSE_WAIT, or hung up. */
struct seen {
	uint64_t cookie;
	struct sample sample;
	uint32_t index;
	uint64_t look; /* the number of the look that found it last */
	UT_hash_handle hh;
};

/* The records of sockets that were found no more, in the order in which they did: when there is no
 * room for another, the first of these is given up. */
struct left {
	uint32_t indexes[SAMPLES_MAX];
	uint32_t first;
	uint32_t count;
};

struct sampler {
	int fd; /* -1: sampling has ended */
	struct samples_header header;
	struct namespaces *namespaces;
	pid_t child; /* 0: none */
	struct seen *seen;
	struct left left;
	uint64_t missed; /* by this look */
	uint64_t look;   /* how many there were, this one included */
	uint64_t now;    /* ns: of this one */
	int error;
};

static uint64_t clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static void give_up(struct sampler *sampler, int error)
{
	complain(SAMPLES_NAME, error == -ENOMEM
				       ? "no memory: the kernel is not asked any more"
				       : strerror(-error));
	close(sampler->fd);
	sampler->fd = -1;
}

struct sampler *sampler_open(const char *session, uint64_t period)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));

	if (sampler)
		sampler->namespaces = namespaces_open(session);
	if (!sampler || !sampler->namespaces) {
		complain(session, "no memory");
		free(sampler);
		return NULL;
	}
	memcpy(sampler->header.magic, SAMPLES_MAGIC, sizeof(sampler->header.magic));
	sampler->header.version = SAMPLES_VERSION;
	sampler->header.record_size = sizeof(struct sample);
	sampler->header.period = period;
	sampler->fd = samples_create(session, &sampler->header);
	if (sampler->fd < 0) {
		complain_errno(session, -sampler->fd);
		sampler_close(sampler);
		return NULL;
	}
	return sampler;
}

void sampler_judge_by(struct sampler *sampler, pid_t child)
{
	sampler->child = child;
}

void sampler_watch(struct sampler *sampler, pid_t pid, uint64_t start)
{
	namespaces_add(sampler->namespaces, pid, start);
}

static void put(struct sampler *sampler, const struct seen *seen)
{
	int error = samples_put(sampler->fd, seen->index, &seen->sample);

	if (error)
		sampler->error = error;
}

/* Room for one more record: at the end, else one that is needed least. False: there is none. */
static bool take_index(struct sampler *sampler, uint32_t *index)
{
	struct left *left = &sampler->left;

	if (sampler->header.count < SAMPLES_MAX) {
		*index = sampler->header.count++;
		return true;
	}
	if (!left->count)
		return false;
	*index = left->indexes[left->first];
	left->first = (left->first + 1) % SAMPLES_MAX;
	left->count--;
	return true;
}

static void leave(struct left *left, uint32_t index)
{
	left->indexes[(left->first + left->count++) % SAMPLES_MAX] = index;
}

static void add(struct sampler *sampler, uint64_t cookie, const struct cw_look *look)
{
	struct seen *seen;
	uint32_t index;

	if (!take_index(sampler, &index)) {
		sampler->missed++;
		return;
	}
	seen = calloc(1, sizeof(*seen));
	if (!seen) {
		leave(&sampler->left, index);
		sampler->error = -ENOMEM;
		return;
	}
	seen->cookie = cookie;
	seen->sample =
		(struct sample){.cookie = cookie, .first = sampler->now, .look = *look};
	seen->index = index;
	seen->look = sampler->look;
	put(sampler, seen);
	HASH_ADD(hh, sampler->seen, cookie, sizeof(cookie), seen);
	if (!seen->hh.tbl) {
		sampler->error = -ENOMEM;
		free(seen);
	}
}

/* Since when its peer has left the first look told best: keepalives blur it later. What else is
 * told of it is as the last one had it. */
static void update(struct sampler *sampler, struct seen *seen, const struct cw_look *look)
{
	struct cw_look *known = &seen->sample.look;

	seen->look = sampler->look;
	if (known->unread == look->unread && known->unsent == look->unsent &&
	    known->bytes_acked == look->bytes_acked)
		return;
	known->unread = look->unread;
	known->unsent = look->unsent;
	known->bytes_acked = look->bytes_acked;
	put(sampler, seen);
}

static void visit(void *context, const struct diag_socket *socket)
{
	struct sampler *sampler = context;
	struct seen *seen;

	HASH_FIND(hh, sampler->seen, &socket->cookie, sizeof(socket->cookie), seen);
	if (seen)
		update(sampler, seen, &socket->look);
	else if (socket->cookie)
		add(sampler, socket->cookie, &socket->look);
}

/* Those that this look did not find: `last` is when the one before it was. */
static void forget_gone(struct sampler *sampler, uint64_t last)
{
	struct seen *seen, *next;

	HASH_ITER(hh, sampler->seen, seen, next)
	{
		if (seen->look == sampler->look)
			continue;
		seen->sample.until = last;
		put(sampler, seen);
		leave(&sampler->left, seen->index);
		HASH_DEL(sampler->seen, seen);
		free(seen);
	}
}

/* Without unix_diag in the kernel there is nothing to be asked. */
static int ask_unix(struct sampler *sampler, const struct namespace *there)
{
	int error = diag_hung_up(there->pid, there->inode, visit, sampler);

	return error == -ENOENT || error == -EINVAL ? 0 : error;
}

/* Asked of all namespaces, or nothing is known of what was not found. Where nobody lives none
 * is. */
static bool ask(struct sampler *sampler)
{
	static const struct diag_wanted wanted = {.states = 1u << TCP_CLOSE_WAIT};
	struct namespace *there;
	bool whole = namespaces_at(sampler->namespaces, 0);

	for (size_t i = 0; (there = namespaces_at(sampler->namespaces, i)); i++) {
		int error = there->denied ? 0
					  : diag_tcp(there->pid, there->inode, &wanted,
						     visit, sampler);

		if (!error && !there->denied)
			error = ask_unix(sampler, there);

		if (error == -EPERM || error == -EACCES) {
			there->denied = true;
			sampler->header.denied++;
		} else if (error) {
			whole = false;
		}
	}
	return whole;
}

void sampler_look(struct sampler *sampler)
{
	uint64_t last = sampler->header.last;

	if (sampler->fd < 0)
		return;
	namespaces_refresh(sampler->namespaces);
	sampler->look++;
	sampler->missed = 0;
	sampler->now = clock_now();
	if (ask(sampler) && !(sampler->child && host_process_ends(sampler->child))) {
		forget_gone(sampler, last);
		sampler->header.last = sampler->now;
	}
	if (sampler->missed > sampler->header.missed)
		sampler->header.missed = sampler->missed;
	if (!sampler->error)
		sampler->error = samples_put_header(sampler->fd, &sampler->header);
	if (sampler->error)
		give_up(sampler, sampler->error);
}

void sampler_close(struct sampler *sampler)
{
	struct seen *seen, *next;

	if (!sampler)
		return;
	HASH_ITER(hh, sampler->seen, seen, next)
	{
		HASH_DEL(sampler->seen, seen);
		free(seen);
	}
	if (sampler->fd >= 0)
		close(sampler->fd);
	namespaces_close(sampler->namespaces);
	free(sampler);
}
