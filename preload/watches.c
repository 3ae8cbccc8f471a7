/* SPDX-License-Identifier: MIT */
/* Finds the socket that an event of epoll is about. */
#include <sys/mman.h>

#include "fd_table.h"
#include "lifecycle.h"
#include "sys.h"
#include "watches.h"

/* As many registrations as are kept at a time, and epoll instances are told apart by numbers below
 * that. A power of two. */
#define ROOM  65536u
/* Neighbours that are tried, of both tables. */
#define TRIES 8u

/* One registration. seq is odd while it is being changed: who meets that passes by. */
struct slot {
	_Atomic uint32_t seq;
	_Atomic uint32_t instance; /* 0: free */
	_Atomic int32_t fd;
	_Atomic uint32_t spare;
	_Atomic uint64_t data;
	_Atomic uint64_t cookie;
};

/* A copy of one. */
struct held {
	uint32_t instance;
	int32_t fd;
	uint64_t data;
	uint64_t cookie; /* of the socket */
};

static struct tables {
	struct slot slots[ROOM];          /* by instance and descriptor */
	_Atomic uint32_t hints[ROOM];     /* by instance and data: a slot's index + 1 */
	_Atomic uint32_t instances[ROOM]; /* of the epoll descriptors; 0: none yet */
} * _Atomic tables;

static _Atomic uint32_t last_instance;

#define load(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define store(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* A place in a table. The finalizer of MurmurHash3, by Austin Appleby, in the public domain. */
static uint32_t mixed(uint64_t instance, uint64_t key)
{
	key ^= instance << 40 ^ instance;
	key = (key ^ key >> 33) * 0xff51afd7ed558ccdull;
	key = (key ^ key >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(key ^ key >> 33) % ROOM;
}

static struct tables *tables_here(void)
{
	struct tables *t = atomic_load_explicit(&tables, memory_order_acquire);
	struct tables *none = NULL;

	if (t)
		return t;
	t = sys_mmap(sizeof *t, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!t || atomic_compare_exchange_strong(&tables, &none, t))
		return t;
	sys_munmap(t, sizeof *t);
	return none;
}

/* The instance behind an epoll descriptor; one that was made out of our sight gets its name here.
 * 0: its number is too high. */
static uint32_t instance_of(struct tables *t, int epoll)
{
	uint32_t none = 0;
	uint32_t name;

	if ((unsigned)epoll >= ROOM)
		return 0;
	name = load(t->instances[epoll]);
	if (name)
		return name;
	name = atomic_fetch_add(&last_instance, 1) + 1;
	return atomic_compare_exchange_strong(&t->instances[epoll], &none, name) ? name
										 : none;
}

void watches_begin(int epoll)
{
	struct tables *t = atomic_load_explicit(&tables, memory_order_acquire);

	if (t && epoll >= 0 && (unsigned)epoll < ROOM && books_here())
		store(t->instances[epoll], atomic_fetch_add(&last_instance, 1) + 1);
}

/* False: it is being changed. */
static bool read_slot(struct slot *slot, struct held *out)
{
	uint32_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);

	out->instance = load(slot->instance);
	out->fd = load(slot->fd);
	out->data = load(slot->data);
	out->cookie = load(slot->cookie);
	atomic_thread_fence(memory_order_acquire);
	return !(seq & 1) && load(slot->seq) == seq;
}

/* Replaces what was read there. False: it has changed since. */
static bool write_slot(struct slot *slot, const struct held *was, const struct held *now)
{
	uint32_t seq = load(slot->seq);

	if (seq & 1 || !atomic_compare_exchange_strong(&slot->seq, &seq, seq + 1))
		return false;
	if (load(slot->instance) != was->instance || load(slot->fd) != was->fd) {
		atomic_store_explicit(&slot->seq, seq + 2, memory_order_release);
		return false;
	}
	store(slot->instance, now->instance);
	store(slot->fd, now->fd);
	store(slot->data, now->data);
	store(slot->cookie, now->cookie);
	atomic_store_explicit(&slot->seq, seq + 2, memory_order_release);
	return true;
}

/* Is the socket that was registered by that number still there? */
static bool is_current(struct books *b, const struct held *held)
{
	uint64_t entry = fd_entry(b, held->fd);

	return entry && entry_socket(entry)->cookie == held->cookie;
}

/* The registration's slot, or else one that it may have; *was is what is there. NULL: none. */
static struct slot *find_slot(struct books *b, struct tables *t, uint32_t instance,
			      int fd, struct held *was)
{
	uint32_t first = mixed(instance, (uint32_t)fd);
	struct slot *free = NULL;
	struct held held;

	for (uint32_t i = 0; i < TRIES; i++) {
		struct slot *slot = &t->slots[(first + i) % ROOM];

		if (!read_slot(slot, &held))
			continue;
		if (held.instance == instance && held.fd == fd) {
			*was = held;
			return slot;
		}
		if (!free && (!held.instance || !is_current(b, &held))) {
			*was = held;
			free = slot;
		}
	}
	return free;
}

static bool is_of(struct tables *t, uint32_t hint, uint32_t instance, uint64_t data,
		  struct held *held)
{
	return hint && hint <= ROOM && read_slot(&t->slots[hint - 1], held) &&
	       held->instance == instance && held->data == data;
}

/* Does the hint at that place lead to what would be looked for there? */
static bool is_live(struct books *b, struct tables *t, uint32_t place, uint32_t hint)
{
	struct held held;

	return hint && hint <= ROOM && read_slot(&t->slots[hint - 1], &held) &&
	       held.instance && is_current(b, &held) &&
	       (place - mixed(held.instance, held.data)) % ROOM < TRIES;
}

/* Where many sockets have the same data, an event tells the program itself no more than it tells
 * us: the hints are those of the last few. */
static void add_hint(struct books *b, struct tables *t, uint32_t hint,
		     const struct held *now)
{
	uint32_t first = mixed(now->instance, now->data);
	_Atomic uint32_t *at = NULL;
	struct held other;

	for (uint32_t i = first; i < first + TRIES; i++) {
		_Atomic uint32_t *one = &t->hints[i % ROOM];

		if (load(*one) == hint)
			return;
		if (!at && !is_live(b, t, i, load(*one)))
			at = one;
	}
	if (!at) {
		at = &t->hints[(first + hint % TRIES) % ROOM];
		if (!is_of(t, load(*at), now->instance, now->data, &other))
			books_lost(CW_LOST_WATCHES);
	}
	store(*at, hint);
}

static void keep(struct books *b, struct tables *t, const struct held *now)
{
	struct held was = {0};
	struct slot *slot = find_slot(b, t, now->instance, now->fd, &was);

	if (slot && was.instance == now->instance && was.fd == now->fd &&
	    was.data == now->data && was.cookie == now->cookie)
		return; /* EPOLLONESHOT is set anew before each wait */
	if (slot && write_slot(slot, &was, now))
		add_hint(b, t, (uint32_t)(slot - t->slots) + 1, now);
	else
		books_lost(CW_LOST_WATCHES);
}

void watches_set(int epoll, int fd, uint64_t entry, uint64_t data)
{
	struct books *b = books_here();
	uint64_t cookie = b && entry ? entry_socket(entry)->cookie : 0;
	struct tables *t;
	struct held now;

	if (!cookie || fd_entry(b, fd) != entry)
		return;
	t = tables_here();
	now = (struct held){t ? instance_of(t, epoll) : 0, fd, data, cookie};
	if (now.instance)
		keep(b, t, &now);
	else
		books_lost(CW_LOST_WATCHES);
}

void watches_drop(int epoll, int fd)
{
	struct books *b = books_here();
	struct tables *t = atomic_load_explicit(&tables, memory_order_acquire);
	uint32_t instance = b && t ? instance_of(t, epoll) : 0;
	struct slot *slot;
	struct held was;

	if (!instance)
		return;
	slot = find_slot(b, t, instance, fd, &was);
	if (slot && was.instance == instance && was.fd == fd)
		write_slot(slot, &was, &(struct held){0});
}

struct search {
	uint64_t cookie;
	int fd; /* -1: not found */
};

static void compare(void *context, struct books *b, int fd, uint64_t entry)
{
	struct search *search = context;

	(void)b;
	if (entry_socket(entry)->cookie == search->cookie)
		search->fd = fd;
}

/* The descriptor that it was registered by is closed. As long as it has another, its events come
 * on. */
static void told_by_another(struct books *b, uint64_t cookie, uint32_t events)
{
	struct search search = {cookie, -1};

	fd_each(b, 0, CW_FD_MAX - 1, compare, &search);
	if (search.fd >= 0)
		lifecycle_told(search.fd, (short)events);
}

void watches_told(int epoll, uint64_t data, uint32_t events)
{
	struct books *b = books_here();
	struct tables *t = atomic_load_explicit(&tables, memory_order_acquire);
	uint32_t instance = b && t ? instance_of(t, epoll) : 0;
	uint32_t first = mixed(instance, data);
	uint64_t elsewhere = 0;
	bool found = false;

	for (uint32_t i = first; instance && i < first + TRIES; i++) {
		struct held held;

		if (!is_of(t, load(t->hints[i % ROOM]), instance, data, &held))
			continue;
		if (!is_current(b, &held)) {
			elsewhere = held.cookie;
			continue;
		}
		found = true;
		if (lifecycle_told(held.fd, (short)events))
			return;
	}
	if (!found && elsewhere)
		told_by_another(b, elsewhere, events);
}
