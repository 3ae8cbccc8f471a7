/* SPDX-License-Identifier: MIT */
/* Matching the trace's sockets with the kernel's, by cookie, and with /proc/PID/fd. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cleanup.h"
#include "complain.h"
#include "diag.h"
#include "host_process.h"
#include "live_looks.h"

/* One socket of the trace. */
struct entry {
	uint64_t cookie;
	struct cw_look look;
	bool in_kernel; /* it was in the kernel's table: `look` is filled */
	bool checked;   /* /proc/PID/fd could be read for a descriptor of it */
	bool held;      /* and it stands behind that descriptor */
	bool closed;    /* a TCP socket that no table lists any more stands there */
};

struct live_looks {
	struct entry *entries; /* by cookie */
	size_t count;
	size_t room;
	bool *checked; /* by extent: each table is one process's and gone through once */
};

static int by_cookie(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;

	return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

static struct entry *find(const struct live_looks *looks, uint64_t cookie)
{
	struct entry key = {.cookie = cookie};

	if (!cookie || !looks->count)
		return NULL;
	return bsearch(&key, looks->entries, looks->count, sizeof(key), by_cookie);
}

static int add(struct live_looks *looks, uint64_t cookie)
{
	if (looks->count == looks->room) {
		size_t room = looks->room ? 2 * looks->room : 256;
		struct entry *entries =
			reallocarray(looks->entries, room, sizeof(*entries));

		if (!entries)
			return -1;
		looks->entries = entries;
		looks->room = room;
	}
	looks->entries[looks->count++] = (struct entry){.cookie = cookie};
	return 0;
}

static int collect_extent(struct live_looks *looks, const struct trace_view *view,
			  uint32_t index)
{
	size_t size = sizeof(struct cw_socket);
	uint32_t count = (uint32_t)(trace_extent_used(view, index) / size);

	for (uint32_t n = 0; n < count; n++) {
		struct cw_socket socket;

		if (trace_socket_copy(view, trace_record_ref(index, n, size), &socket) &&
		    socket.cookie && add(looks, socket.cookie) < 0)
			return -1;
	}
	return 0;
}

/* Processes that forked apart hold the same socket: one entry. */
static void sort_unique(struct live_looks *looks)
{
	size_t kept = 0;

	if (looks->count)
		qsort(looks->entries, looks->count, sizeof(*looks->entries), by_cookie);
	for (size_t i = 0; i < looks->count; i++)
		if (!kept || looks->entries[i].cookie != looks->entries[kept - 1].cookie)
			looks->entries[kept++] = looks->entries[i];
	looks->count = kept;
}

static int collect(struct live_looks *looks, const struct trace_view *view)
{
	for (uint32_t i = 0; i < view->extent_count; i++)
		if (trace_extent(view, i, NULL) == CW_EXTENT_SOCKETS &&
		    collect_extent(looks, view, i) < 0)
			return -1;
	sort_unique(looks);
	return 0;
}

static void take_look(void *context, const struct diag_socket *socket)
{
	struct entry *entry = find(context, socket->cookie);

	if (!entry)
		return;
	entry->look = socket->look;
	entry->in_kernel = true;
}

/* A reset or fully shut down socket is in no table while it is held. Nothing dates that. */
static struct cw_look look_of_closed(uint64_t inode)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (struct cw_look){
		.taken = (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec,
		.inode = inode,
		.flags = CW_LOOK_TCP,
		.state = TCP_CLOSE,
		.last_data_sent = UINT32_MAX,
		.last_data_recv = UINT32_MAX,
		.last_ack_recv = UINT32_MAX,
	};
}

/* The process that a table is compared with. */
struct holder {
	pid_t pid;
	int fd_slots;
};

/* Compares one descriptor of the trace with what stands behind its number. */
static void check_fd(struct live_looks *looks, const struct holder *holder, int fd,
		     const struct cw_socket *socket)
{
	struct entry *entry = find(looks, socket->cookie);
	uint64_t inode = 0;

	if (!entry)
		return;
	/* A trace may claim a million descriptors of a process that has three. */
	if (fd < holder->fd_slots && host_process_socket(holder->pid, fd, &inode) < 0 &&
	    errno != ENOENT)
		return;
	entry->checked = true;
	if (entry->in_kernel && inode == entry->look.inode) {
		entry->held = true;
		entry->look.fd = fd;
	} else if (!entry->in_kernel && inode && host_process_is_tcp(holder->pid, fd)) {
		entry->closed = true;
		entry->look = look_of_closed(inode);
		entry->look.fd = fd;
	}
}

static void check_fd_extent(struct live_looks *looks, const struct trace_view *view,
			    const struct holder *holder, uint32_t index,
			    uint32_t first_fd)
{
	const _Atomic uint64_t *fds = trace_extent_bytes(view, index);

	for (uint32_t i = 0; i < CW_FDS_PER_EXTENT; i++) {
		uint64_t fd_entry = fds[i];
		struct cw_socket socket;

		if (fd_entry &&
		    trace_socket_copy(view, (cw_ref)(fd_entry >> 32), &socket) &&
		    cw_word_generation(socket.word) == (uint32_t)fd_entry)
			check_fd(looks, holder, (int)(first_fd + i), &socket);
	}
}

static void check_fds(struct live_looks *looks, const struct trace_view *view, pid_t pid,
		      uint32_t self)
{
	const struct cw_process *process = trace_process(view, self);
	const struct holder holder = {pid, host_process_fd_slots(pid)};

	for (uint32_t i = 0; i < CW_FD_EXTENTS; i++) {
		uint32_t index = process->fds[i];
		uint32_t owner;

		if (!index || trace_extent(view, index, &owner) != CW_EXTENT_FDS ||
		    owner != self || looks->checked[index])
			continue;
		looks->checked[index] = true;
		check_fd_extent(looks, view, &holder, index,
				i * (uint32_t)CW_FDS_PER_EXTENT);
	}
}

/* The table is one namespace's: processes of one trace nearly always share it. */
static int ask(struct live_looks *looks, const struct trace_view *view, const char *name)
{
	bool asked = false;

	for (uint32_t i = 0; i < view->extent_count; i++) {
		const struct cw_process *process = trace_process(view, i);
		pid_t pid;
		int error = 0;

		if (!process || process->state != CW_PROCESS_LIVE)
			continue;
		pid = host_process_find(view->header, process);
		if (!pid)
			continue;
		if (!asked)
			error = diag_each(pid, take_look, looks);
		if (error) {
			complain(name, "the kernel's socket table cannot be read "
				       "(another network namespace needs CAP_SYS_ADMIN): "
				       "judged by the trace alone");
			return -1;
		}
		asked = true;
		check_fds(looks, view, pid, i);
	}
	return asked ? 0 : -1;
}

static bool any_lives(const struct trace_view *view)
{
	for (uint32_t i = 0; i < view->extent_count; i++) {
		const struct cw_process *process = trace_process(view, i);

		if (process && process->state == CW_PROCESS_LIVE &&
		    host_process_find(view->header, process))
			return true;
	}
	return false;
}

struct live_looks *live_looks_take(const struct trace_view *view, const char *name)
{
	struct live_looks *looks;

	if (!any_lives(view))
		return NULL;
	looks = calloc(1, sizeof(*looks));
	if (looks)
		looks->checked = calloc(view->extent_count, sizeof(*looks->checked));
	if (looks && looks->checked && collect(looks, view) == 0 &&
	    ask(looks, view, name) == 0)
		return looks;
	live_looks_free(looks);
	return NULL;
}

void live_looks_free(struct live_looks *looks)
{
	if (looks) {
		free(looks->entries);
		free(looks->checked);
	}
	free(looks);
}

/* In the table but behind none of the trace's numbers, or nowhere: closed out of sight. */
static const struct cw_look *look(void *context, const struct cw_socket *socket)
{
	static const struct cw_look gone = {.flags = CW_LOOK_GONE};
	const struct entry *entry = find(context, socket->cookie);

	if (!entry)
		return NULL;
	if (entry->held || entry->closed)
		return &entry->look;
	if (entry->checked)
		return &gone;
	return entry->in_kernel ? &entry->look : NULL;
}

void live_looks_attach(struct live_looks *looks, struct trace_view *view)
{
	view->look = look;
	view->look_context = looks;
}
