/* SPDX-License-Identifier: MIT */
/*
 * The trace file's layout: what libclosewait.so writes and everything else reads.
 *
 * A trace is a sparse file of fixed size (more where more sockets may be open), native endian, mapped MAP_SHARED by the process
 * image that made it and by every process that image forks. It is a header, a table of
 * extents, and the extents: pieces of CW_EXTENT_SIZE bytes, each claimed whole by one
 * process for records of one kind. Who claims an extent owns what is in it until it gives
 * it back. Nothing but the header's counters, the extent table, the first process's
 * CW_LOST_PROCESSES and a socket's `heirs` is written by two processes, and what a dead one
 * left by the collector (struct cw_collector).
 *
 * A record is referred to by its offset in the file, in units of 8 bytes: a `cw_ref`; 0
 * is "none" (the header lies there). Times are CLOCK_MONOTONIC nanoseconds, 0 for
 * "never"; what is a cw_after is told from when the socket was opened.
 *
 * Commit rule. A writer fills a record first and then makes it reachable with a release
 * store: an extent by its tag, a socket by its word, a site, module, string, look or
 * statistics record by the reference to it. Bytes that are not reachable mean nothing. A
 * reader treats all of it as hostile: references, counts and lengths are checked against
 * the extent they must lie in.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define CW_TRACE_MAGIC   "closewait trace\n" /* 16 bytes, no NUL */
#define CW_TRACE_VERSION 2u
#define CW_BYTE_ORDER    0x01020304u

/* In the directory of a session that `closewait run` began: a line for each program image that
 * the library was loaded into, "PID STARTTIME PPID EXECUTABLE". */
#define CW_LOADED_NAME "loaded"

#define CW_EXTENT_SIZE         16384u
#define CW_EXTENT_TABLE_OFFSET 4096u
#define CW_TRACE_SIZE_DEFAULT  (32u << 20)
#define CW_TRACE_SIZE_MAX      (192u << 20) /* where 2^20 descriptors may be open */
#define CW_TRACE_SIZE_MIN      (1u << 20)

typedef uint32_t cw_ref;

/* A moment in a socket's life, by when it was opened: milliseconds, rounded up, so that what is
 * told of the time since is never too much; from CW_AFTER_COARSE on (24 days) the rest in seconds.
 * 0: never. */
typedef uint32_t cw_after;

#define CW_AFTER_COARSE 0x80000000u
#define CW_AFTER_MS     1000000ull    /* ns */
#define CW_AFTER_S      1000000000ull /* ns */

static inline cw_after cw_after_of(uint64_t opened, uint64_t ns)
{
	uint64_t since = ns > opened ? ns - opened : 0;
	uint64_t ms = since / CW_AFTER_MS + (since % CW_AFTER_MS != 0);
	uint64_t s;

	if (ms < CW_AFTER_COARSE)
		return ms ? (cw_after)ms : 1;
	since -= CW_AFTER_COARSE * CW_AFTER_MS;
	s = since / CW_AFTER_S + (since % CW_AFTER_S != 0);
	return s < CW_AFTER_COARSE ? CW_AFTER_COARSE | (cw_after)s : UINT32_MAX;
}

/* ns, monotonic; 0: never. */
static inline uint64_t cw_after_ns(uint64_t opened, cw_after after)
{
	if (after < CW_AFTER_COARSE)
		return after ? opened + after * CW_AFTER_MS : 0;
	return opened + CW_AFTER_COARSE * CW_AFTER_MS +
	       (after & ~CW_AFTER_COARSE) * CW_AFTER_S;
}

enum cw_extent_kind {
	CW_EXTENT_FREE,     /* never used */
	CW_EXTENT_SPARE,    /* given back: zero, and its pages are committed */
	CW_EXTENT_RESERVED, /* header and extent table */
	CW_EXTENT_CLAIMED,  /* being prepared by its claimer: skip it */
	CW_EXTENT_PROCESS,  /* one struct cw_process */
	CW_EXTENT_FDS,      /* CW_FDS_PER_EXTENT descriptor entries */
	CW_EXTENT_SOCKETS,  /* CW_SOCKETS_PER_EXTENT struct cw_socket */
	CW_EXTENT_STATS,    /* CW_STATS_PER_EXTENT struct cw_stats */
	CW_EXTENT_LOOKS,    /* CW_LOOKS_PER_EXTENT struct cw_look */
	CW_EXTENT_HEAP, /* sites, modules, code objects, strings: packed, 8-byte aligned */
	CW_EXTENT_PASSED, /* CW_PASSED_PER_EXTENT struct cw_passed: a ring */
	CW_EXTENT_ASIDES, /* CW_ASIDES_PER_EXTENT struct cw_aside */
	CW_EXTENT_KINDS,
};

/* tag = kind << 24 | index of the owner's process extent. used = bytes handed out so far,
 * for the packed and the counted kinds (SOCKETS, STATS, LOOKS, ASIDES, HEAP). */
struct cw_extent {
	_Atomic uint32_t tag;
	_Atomic uint32_t used;
};

static inline enum cw_extent_kind cw_extent_kind(uint32_t tag)
{
	return (enum cw_extent_kind)(tag >> 24);
}

static inline uint32_t cw_extent_owner(uint32_t tag)
{
	return tag & 0xffffffu;
}

/* What could not be recorded. Counted in the process where it happened, printed in the
 * report. */
enum cw_lost {
	CW_LOST_SOCKETS,      /* no room for the record of a socket */
	CW_LOST_FDS,          /* a descriptor number beyond CW_FD_MAX */
	CW_LOST_STACKS,       /* a stack that could not be captured at all */
	CW_LOST_SHORT_STACKS, /* only the caller is known */
	CW_LOST_SITES,        /* a stack captured but not kept: no room */
	CW_LOST_STATS,        /* no room for a site's counters */
	CW_LOST_LATE_CLOSES,  /* more late closes than the ring keeps */
	CW_LOST_PROCESSES, /* a fork child without books, or its books given up: no room */
	CW_LOST_LOOKS,     /* no room for what the kernel said at the end */
	CW_LOST_WATCHES,   /* no room for what a socket was given to epoll_ctl() with */
	CW_LOST_KINDS,
};

enum cw_trace_flag {
	CW_TRACE_PRIVATE = 1u << 0, /* no file: memory only (the reason is in notes) */
};

/* At offset 0. Written once before the file is used, but for the atomics. */
struct cw_header {
	char magic[16];
	uint32_t version;
	uint32_t byte_order;
	uint32_t header_size;  /* sizeof(struct cw_header) */
	uint32_t extent_size;  /* bytes */
	uint32_t extent_count; /* extents in the table, the reserved ones included */
	uint32_t flags;        /* enum cw_trace_flag */
	uint64_t size;         /* bytes of the file */
	uint8_t boot_id[16];   /* /proc/sys/kernel/random/boot_id, raw */
	uint64_t started_mono; /* ns; when the trace was made */
	uint64_t started_real; /* ns since the epoch, the same moment */
	uint64_t
		image_started; /* ns, monotonic; when the library was loaded: "up 2m05s" */
	uint64_t pid_start;    /* /proc/PID/stat field 22, clock ticks since boot */
	uint32_t pid;          /* of the process that made it, in its own pid namespace */
	uint32_t image;      /* 0, 1, …: the n-th trace made by that pid (after exec) */
	uint64_t grace;      /* ns */
	uint64_t slow_close; /* ns */
	_Atomic uint32_t live;     /* processes that use it, or are about to, and have not
				      ended cleanly */
	_Atomic uint32_t findings; /* processes that ended with something to report */
	_Atomic uint32_t
		ended; /* processes that ended cleanly and gave back their extents, or were
			  killed with nothing to report and were collected */
	_Atomic uint32_t extent_hint;  /* where to look for a free extent */
	_Atomic uint64_t ended_opened; /* sockets opened by those processes */
	_Atomic uint64_t ended_closed;
	_Atomic uint64_t
		ended_young; /* not judged: left by the peer for less than grace */
	_Atomic uint64_t ended_gone; /* closed or replaced out of our sight */
	char library_version[16];
	char host[64];
	char kernel[64];
	char executable[256];
	char command[512]; /* argv joined by spaces, cut to fit */
	char notes[1024];  /* lines, each what the user should know of this trace; "" if
			      nothing */
};

/* Behind the header: which process gives back what others have left, one at a time. For the writers
 * alone. */
#define CW_COLLECTOR_OFFSET 4032u

struct cw_collector {
	/* pid << 32 | inode of its pid namespace, 0: nobody. */
	_Atomic uint64_t holder;
	_Atomic uint64_t since; /* ns, monotonic; written before `holder` */
	_Atomic uint32_t top;   /* no extent at or behind it was ever claimed */
};

/* Descriptors: a process finds the entry of fd in extent fds[fd / CW_FDS_PER_EXTENT]. */
#define CW_FD_MAX         (1u << 20)
#define CW_FDS_PER_EXTENT (CW_EXTENT_SIZE / sizeof(uint64_t))
#define CW_FD_EXTENTS     (CW_FD_MAX / CW_FDS_PER_EXTENT)

/* An entry: cw_ref of the socket << 32 | the socket's generation; 0: no socket known
 * there. */
static inline uint64_t cw_fd_entry(cw_ref socket, uint32_t generation)
{
	return (uint64_t)socket << 32 | generation;
}

enum cw_process_state {
	CW_PROCESS_NONE,
	CW_PROCESS_LIVE,
	CW_PROCESS_ENDED, /* ended and looked: ended_by, looked and the looks are true */
	CW_PROCESS_CLEAN, /* ended with nothing to tell: its extents may be given back */
	CW_PROCESS_UNBORN, /* prepared by its parent for a fork that has not happened yet */
};

enum cw_end {
	CW_END_UNKNOWN,
	CW_END_EXIT,   /* returned from main or exit() */
	CW_END__EXIT,  /* _exit(), _Exit() */
	CW_END_QUICK,  /* quick_exit() */
	CW_END_SIGNAL, /* end_value is the signal */
	CW_END_EXEC,   /* the image was replaced */
};

enum cw_process_flag {
	CW_PROCESS_FORKED = 1u << 0,     /* it has forked: others may use its sites */
	CW_PROCESS_REPORTED = 1u << 1,   /* it has printed its report */
	CW_PROCESS_SITES_ONLY = 1u << 2, /* collected, but for what its children use */
	CW_PROCESS_PEEKED = 1u << 3,     /* it has peeked at descriptors (MSG_PEEK) */
	CW_PROCESS_URING = 1u << 4,      /* it has used io_uring */
};

#define CW_LATE_RING  1024u
#define CW_EVENT_RING 192u

enum cw_event_kind {
	CW_EVENT_NONE,
	CW_EVENT_OPEN,
	CW_EVENT_EOF,
	CW_EVENT_RESET,
	CW_EVENT_SHUTDOWN,
	CW_EVENT_DUP,
	CW_EVENT_CLOSE,
	CW_EVENT_GONE, /* found closed or replaced out of our sight */
	CW_EVENT_TOLD,
	CW_EVENT_SENT, /* a copy of the descriptor was passed on (SCM_RIGHTS) */
};

/* The atomics let a slot be taken over while it is read: a torn event is dropped by its kind. */
struct cw_event {
	_Atomic uint64_t ns;
	_Atomic uint32_t kind; /* enum cw_event_kind, written last */
	_Atomic int32_t fd;
	_Atomic cw_ref socket;
	_Atomic cw_ref site;
	_Atomic uint32_t generation;
	_Atomic uint32_t tid;
};

/* One traced process; alone in its extent. Single words are written by any of its
 * threads. */
struct cw_process {
	_Atomic uint32_t state; /* enum cw_process_state */
	uint32_t pid;
	uint32_t ppid;
	uint32_t parent; /* process extent it was forked from, 0 for the image's first */
	uint64_t pid_start; /* clock ticks since boot; cw_started_then() */
	uint64_t started;   /* ns */
	_Atomic uint64_t
		last_event; /* ns; the last moment at which it is known to have lived */
	uint64_t ended;     /* ns */
	uint64_t looked;    /* ns; when the kernel was asked about its sockets */
	uint32_t ended_by;  /* enum cw_end */
	int32_t end_value;  /* exit status or signal */
	_Atomic uint32_t flags; /* enum cw_process_flag */
	uint32_t fd_limit;      /* RLIMIT_NOFILE at the end, 0 if not read */
	uint32_t fds_open;      /* descriptors open at the end, 0 if not counted */
	uint32_t
		pid_ns; /* inode of its pid namespace; 1: that of the image's first process,
			    which could not be read; 0: not known */
	_Atomic uint64_t opened; /* sockets that came to it: accept, connect, socket, … */
	_Atomic uint64_t closed; /* by a call that we saw */
	_Atomic uint64_t gone;   /* closed or replaced out of our sight */
	_Atomic uint64_t double_closes;
	_Atomic cw_ref double_close_site;    /* of the first of them */
	_Atomic cw_ref double_close_earlier; /* where that number was closed before */
	_Atomic uint64_t exhausted; /* accept or socket failed with EMFILE or ENFILE */
	_Atomic uint64_t exhausted_first; /* ns */
	_Atomic uint64_t unwound;         /* stacks that were not known yet */
	_Atomic uint64_t
		audited; /* known ones that were unwound all the same, to compare */
	_Atomic uint64_t audit_differences;
	_Atomic uint64_t lost[CW_LOST_KINDS];
	char comm[16];
	_Atomic uint32_t passed; /* extent of the sockets it has passed on, 0: none */
	_Atomic uint32_t passed_next;        /* so far: the ring's head */
	_Atomic uint32_t fds[CW_FD_EXTENTS]; /* extent indexes, 0: none */
	_Atomic uint32_t late_next;          /* late closes so far: the ring's head */
	_Atomic uint32_t event_next;
	_Atomic cw_ref late[CW_LATE_RING]; /* sockets in CW_SOCKET_LATE */
	struct cw_event events[CW_EVENT_RING];
	cw_ref end_site; /* where the thread stood that ended it by a signal; 0: not known */
	uint32_t end_tid;
	char end_thread[16]; /* its name */
};

/* Is a process that has started in the tick `start` (/proc/PID/stat) the one of a record with that
 * `pid_start`? A fork's child is written down with the tick in which the fork began, and may have
 * started in the next one; no pid is another's so soon. */
#define CW_START_SLACK 1u

static inline int cw_started_then(uint64_t pid_start, uint64_t start)
{
	return start - pid_start <= CW_START_SLACK;
}

enum cw_origin {
	CW_ORIGIN_UNKNOWN,
	CW_ORIGIN_ACCEPT,
	CW_ORIGIN_CONNECT, /* a socket() that connect() was called on */
	CW_ORIGIN_SOCKET,
	CW_ORIGIN_SOCKETPAIR,
	CW_ORIGIN_INHERITED,
	CW_ORIGIN_RECEIVED,
	CW_ORIGIN_ADOPTED,
	CW_ORIGIN_KINDS,
};

enum cw_socket_flag {
	CW_SOCKET_LISTENING = 1u << 0,
	CW_SOCKET_CONNECTED =
		1u << 1, /* accepted, connect() returned 0, or bytes have moved */
	CW_SOCKET_CONNECTING = 1u << 2, /* connect() returned EINPROGRESS */
	CW_SOCKET_EOF = 1u << 3,        /* eof and eof_site are set */
	CW_SOCKET_RESET = 1u << 4,      /* reset and the aside's reset_site are set */
	CW_SOCKET_SHUT_RD = 1u << 5,    /* by ourselves */
	CW_SOCKET_SHUT_WR = 1u << 6,
	CW_SOCKET_WROTE_AFTER_EOF = 1u << 7, /* moved is set */
	CW_SOCKET_STDIO =
		1u << 8, /* fdopen was called on it: what libc reads is not counted */
	CW_SOCKET_TOUCHED =
		1u << 9, /* this process made a call on it (for inherited ones) */
	CW_SOCKET_LATE =
		1u << 10, /* closed after dwelling longer than grace; `closed` is set */
	CW_SOCKET_SLOW = 1u << 11,       /* and longer than slow_close */
	CW_SOCKET_FIRST_READ = 1u << 12, /* claimed by the thread that sets first_read */
	CW_SOCKET_FIRST_WRITE = 1u << 13,
	CW_SOCKET_EOF_CLAIMED = 1u << 14,
	CW_SOCKET_RESET_CLAIMED = 1u << 15,
	CW_SOCKET_SHUT_CLAIMED = 1u << 16,
	CW_SOCKET_RESET_FIRST = 1u << 17, /* with RESET: no EOF had been read before */
	CW_SOCKET_TOLD = 1u << 18,        /* told and the aside's told_site are set */
	CW_SOCKET_TOLD_CLAIMED = 1u << 19,
	CW_SOCKET_TOLD_HUP = 1u << 20, /* with TOLD: both directions were shut by then */
	CW_SOCKET_TOLD_ERROR = 1u << 21, /* with TOLD: of an error: it was no FIN */
	CW_SOCKET_FOUND = 1u << 22,      /* adopted: open when the program began */
	CW_SOCKET_SENT = 1u << 23,      /* passed on, at the aside's sent_site: others may
				       hold it, too */
	CW_SOCKET_COLLECTED = 1u << 24, /* with CW_SOCKET_LATE: closed as its Python
					   object was collected */
	CW_SOCKET_UNSETTLED = 1u << 25, /* adopted, perhaps while another thread opened or
					   closed it, and counts it */
};

/* The last call made on a socket: its kind here, its result beside it. */
enum cw_call {
	CW_CALL_NONE,
	CW_CALL_READ,
	CW_CALL_WRITE,
	CW_CALL_KINDS,
};

/*
 * One kernel socket as one process holds it.
 *
 * word = generation << 32 | pins << 20 | references. The references are the descriptors
 * in this process's table; a thread pins the record while it writes to it. The record is
 * in use while either is not 0, then it is folded into its site's counters and its
 * generation goes up. A socket that was closed late (CW_SOCKET_LATE) keeps one reference
 * until the ring lets go.
 */
struct cw_socket {
	_Atomic uint64_t word;
	uint64_t cookie;           /* SO_COOKIE, 0: not known */
	_Atomic uint64_t bytes_in; /* as the program's calls returned them */
	_Atomic uint64_t bytes_out;
	uint64_t opened; /* ns */
	uint64_t eof;    /* ns; first EOF read */
	cw_ref open_site;
	cw_ref first_read_site;
	cw_ref first_write_site;
	cw_ref eof_site;
	cw_ref stats;    /* of its open site; 0: none */
	cw_ref look;     /* struct cw_look, 0: the kernel was not asked */
	cw_after reset;  /* first ECONNRESET, ETIMEDOUT or EPIPE */
	cw_after told;   /* poll() or epoll_wait() first said that the peer had left */
	cw_after closed; /* with CW_SOCKET_LATE */
	_Atomic cw_after moved;      /* last write after EOF */
	_Atomic uint32_t flags;      /* enum cw_socket_flag */
	_Atomic uint32_t eofs;       /* how often EOF was read */
	int32_t fd;                  /* the number it came with */
	uint32_t tid;                /* of the thread that opened it */
	_Atomic int32_t last_result; /* bytes, or -errno */
	_Atomic uint8_t last_call;   /* enum cw_call */
	uint8_t origin;              /* enum cw_origin */
	uint8_t domain;              /* AF_INET, AF_INET6, AF_UNIX, … */
	uint8_t type;                /* SOCK_STREAM, … */
	cw_ref local;                /* string: the listener's own address, as bound */
	uint8_t peer_ip[16];         /* IPv4 in the first four bytes */
	uint16_t peer_port;          /* host order */
	uint8_t peer_family;         /* AF_INET, AF_INET6, 0: not known */
	uint8_t protocol;            /* IPPROTO_TCP, … or 0 */
	_Atomic cw_ref aside;        /* struct cw_aside, 0: none of that is known */
	/* cw_heirs_word() of the fork child that closed its copy last, of CW_NO_HEIR: none has;
	 * 0: no child has a copy. Written by the children. */
	_Atomic uint32_t heirs;
};

/* What few sockets have. It stays with the socket's record and goes from one life of it to the
 * next; `generation` is the one that it is of, written before the rest. */
struct cw_aside {
	_Atomic uint32_t generation;
	cw_ref told_site;
	cw_ref shutdown_site;
	cw_ref reset_site;
	cw_ref close_site; /* with CW_SOCKET_LATE */
	cw_ref sent_site;  /* of the last SCM_RIGHTS message that it was in */
	cw_ref heir_of; /* of an inherited one: the record of who opened it, 0: not known */
	uint32_t heir_generation; /* which that record had */
	uint32_t peer_scope;      /* IPv6 scope id */
	uint32_t spare;
};

/* Linux's pids end below 2^22 (PID_MAX_LIMIT of <linux/threads.h>). The bits above are the lowest
 * of the generation. */
#define CW_HEIR_BITS 23u
#define CW_NO_HEIR   ((1u << CW_HEIR_BITS) - 1)

static inline uint32_t cw_heirs_word(uint32_t generation, uint32_t pid)
{
	return generation << CW_HEIR_BITS | pid;
}

/* Is the word of a record that had this generation? */
static inline int cw_heirs_are_of(uint32_t heirs, uint32_t generation)
{
	return heirs >> CW_HEIR_BITS == generation << CW_HEIR_BITS >> CW_HEIR_BITS;
}

#define CW_WORD_REFS_MAX 0xfffffu
#define CW_WORD_PIN      (1ull << 20)
#define CW_WORD_PINS_MAX 0xfffu

static inline uint32_t cw_word_refs(uint64_t word)
{
	return (uint32_t)(word & CW_WORD_REFS_MAX);
}

static inline uint32_t cw_word_pins(uint64_t word)
{
	return (uint32_t)(word >> 20 & CW_WORD_PINS_MAX);
}

static inline uint32_t cw_word_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The pid of the fork child that closed its copy of the socket last; 0: none has. */
static inline uint32_t cw_heir_closed(const struct cw_socket *socket)
{
	uint32_t heirs = socket->heirs;
	uint32_t pid = heirs & CW_NO_HEIR;

	if (!cw_heirs_are_of(heirs, cw_word_generation(socket->word)) ||
	    pid == CW_NO_HEIR)
		return 0;
	return pid;
}

/* Counters of the sockets that one process opened at one site. */
#define CW_CLOSERS 12u
#define CW_DWELL_BUCKETS \
	40u /* bucket b: dwell of [2^(b-1), 2^b) microseconds; 0: below 1 us */

struct cw_closer {
	_Atomic cw_ref site;
	_Atomic uint32_t count;
	_Atomic uint64_t
		in_time; /* ns; the first close here that was not late, 0: none */
};

/* The last of the collected connections whose peer had not left, which the end of a program lets go
 * of: when the first of them was, in units of 2^CW_BURST_SHIFT ns, and how many came within a second
 * of it. In one word: since << CW_BURST_BITS | count. */
#define CW_BURST_SHIFT 20
#define CW_BURST_BITS  24

static inline uint64_t cw_burst_since(uint64_t burst)
{
	return burst >> CW_BURST_BITS << CW_BURST_SHIFT;
}

static inline uint32_t cw_burst_count(uint64_t burst)
{
	return (uint32_t)burst & ((1u << CW_BURST_BITS) - 1);
}

struct cw_stats {
	_Atomic cw_ref open_site; /* 0: not in use */
	uint8_t origin;           /* enum cw_origin */
	uint8_t spare[3];
	_Atomic uint64_t opened;
	_Atomic uint64_t closed;
	_Atomic uint64_t gone;     /* out of our sight */
	_Atomic uint64_t eof_seen; /* of the closed ones: EOF was read before */
	_Atomic uint64_t
		eof_spins; /* sockets on which EOF was read CW_EOF_SPIN times or more */
	_Atomic uint64_t slow;         /* closed after more than slow_close */
	_Atomic uint64_t dwell_max;    /* ns */
	_Atomic cw_ref slow_site;      /* where the slowest of them was closed */
	_Atomic cw_ref spin_site;      /* where EOF was read again and again */
	_Atomic uint32_t closers_more; /* closes at sites beyond CW_CLOSERS */
	uint32_t spare2;
	struct cw_closer closers[CW_CLOSERS];
	_Atomic uint32_t dwell[CW_DWELL_BUCKETS];
	/* Of the closed ones, connections whose Python object was collected: nobody closed
	 * them. */
	_Atomic uint64_t collected;
	_Atomic uint64_t collected_dwell_max; /* ns */
	_Atomic uint64_t collected_live;      /* cw_burst_since(), cw_burst_count() */
	_Atomic cw_ref collected_site;        /* where the first of them was closed */
	uint32_t spare3;
	_Atomic uint32_t collected_dwell[CW_DWELL_BUCKETS];
};

/* EOF read this often on one socket is a fault: parsers that ask twice or three times are
 * not. */
#define CW_EOF_SPIN 100u

/* A socket that was passed on to another process, kept when the record is gone. */
struct cw_passed {
	_Atomic uint64_t cookie; /* written last; 0: nothing */
	_Atomic uint64_t ns;
	_Atomic cw_ref open_site;
	_Atomic cw_ref sent_site;
	_Atomic uint32_t origin; /* enum cw_origin */
	uint32_t spare;
};

/* What the kernel said of a socket, when it was asked. */
enum cw_look_flag {
	CW_LOOK_TCP = 1u << 0,        /* the tcp_info fields are valid */
	CW_LOOK_HUP = 1u << 1,        /* poll: POLLHUP */
	CW_LOOK_RDHUP = 1u << 2,      /* poll: POLLRDHUP */
	CW_LOOK_ERR = 1u << 3,        /* poll: POLLERR */
	CW_LOOK_GONE = 1u << 4,       /* another file stands behind the number, or none */
	CW_LOOK_FIN_UNREAD = 1u << 5, /* the queue proves that EOF was not read; where it
					 is not set nothing is proved */
	CW_LOOK_LEFT = 1u << 6,       /* never in a trace: a later look did not find it */
};

struct cw_addr {
	uint16_t family; /* 0: not known */
	uint16_t port;   /* host order */
	uint32_t scope;
	uint8_t ip[16];
	cw_ref path; /* AF_UNIX: a string; 0: unnamed */
};

struct cw_look {
	uint64_t taken; /* ns; 0: not this socket's, ignore the record */
	uint64_t inode;
	uint32_t flags;  /* enum cw_look_flag */
	uint32_t state;  /* TCP_ESTABLISHED … of <netinet/tcp.h> */
	uint32_t unread; /* bytes, the FIN not counted */
	uint32_t unsent; /* bytes in the send queue, sent but not acknowledged included */
	uint32_t last_data_sent; /* ms before `taken` */
	uint32_t last_data_recv;
	uint32_t last_ack_recv;
	int32_t fd;              /* the number by which it was asked */
	uint64_t bytes_received; /* tcpi_bytes_received: what the peer sent, the FIN
				    counted as 1 */
	uint64_t bytes_acked;
	struct cw_addr local;
	struct cw_addr peer;
	uint32_t
		left_ago; /* ms before `taken`: AF_UNIX, its peer had left; 0: not known */
};

/* One distinct stack. Frames are innermost first, the library's own left out: Python's, where the
 * interpreter was on the stack, then the native ones. */
#define CW_SITE_FRAMES_MAX 64u  /* native */
#define CW_SITE_PYTHON_MAX 128u /* before them */
#define CW_SITE_ALL_MAX    (CW_SITE_PYTHON_MAX + CW_SITE_FRAMES_MAX)

enum cw_frame_flag {
	CW_FRAME_EXACT =
		1u
		<< 0, /* the pc itself (a signal interrupted it), not a return address */
	CW_FRAME_PYTHON =
		1u << 1, /* module refers to a cw_code, offset is the line, 0: none */
	CW_FRAME_HANDLER =
		1u << 2, /* no frame: what an event loop hands the connection to. With
			    CW_FRAME_PYTHON, the first; offset is its first line */
	CW_FRAME_ENTRY = 1u << 3, /* of Python's: C called the interpreter for it */
};

struct cw_frame {
	uint64_t offset; /* from the module's base; the address itself if module is 0 */
	cw_ref module;
	uint32_t flags;
};

enum cw_site_flag {
	CW_SITE_CUT =
		1u
		<< 0, /* deeper than CW_SITE_FRAMES_MAX, or the unwinder lost its way */
	CW_SITE_SHORT = 1u << 1,     /* only the caller: not even that could be unwound */
	CW_SITE_HANDLER = 1u << 2,   /* inside a signal handler */
	CW_SITE_COLLECTED = 1u << 3, /* the close of a Python socket that was collected */
};

struct cw_site {
	uint32_t hash;
	uint16_t count;  /* of frames */
	uint16_t flags;  /* enum cw_site_flag */
	char thread[16]; /* name of the thread that was seen there first */
	struct cw_frame frames[];
};

struct cw_module {
	uint64_t base; /* what must be added to an ELF virtual address */
	uint64_t low;  /* mapped from here … */
	uint64_t high; /* … up to here */
	cw_ref path;
	uint8_t build_id_size; /* 0: has none */
	uint8_t build_id[20];
	uint8_t spare[7];
};

/* A code object of Python's: a function, a module, a class body. */
struct cw_code {
	cw_ref file;     /* string, as the interpreter has it */
	cw_ref function; /* string: its qualified name, to 3.10 its name */
	cw_ref directory; /* string: where a relative name of a file begins; 0: not known */
	uint32_t first_line;
	uint32_t spare[2];
};

struct cw_string {
	uint32_t size; /* bytes, the closing NUL not counted */
	char bytes[];
};

#define CW_SOCKETS_PER_EXTENT (CW_EXTENT_SIZE / sizeof(struct cw_socket))
#define CW_STATS_PER_EXTENT   (CW_EXTENT_SIZE / sizeof(struct cw_stats))
#define CW_LOOKS_PER_EXTENT   (CW_EXTENT_SIZE / sizeof(struct cw_look))
#define CW_ASIDES_PER_EXTENT  (CW_EXTENT_SIZE / sizeof(struct cw_aside))
#define CW_PASSED_PER_EXTENT  (CW_EXTENT_SIZE / sizeof(struct cw_passed))

static_assert(sizeof(struct cw_extent) == 8, "layout");
static_assert(sizeof(struct cw_header) <= CW_COLLECTOR_OFFSET, "layout");
static_assert(CW_COLLECTOR_OFFSET + sizeof(struct cw_collector) <= CW_EXTENT_TABLE_OFFSET,
	      "layout");
static_assert(sizeof(struct cw_event) == 32, "layout");
static_assert(sizeof(struct cw_process) <= CW_EXTENT_SIZE, "layout");
static_assert(sizeof(struct cw_socket) == 144, "layout");
static_assert(sizeof(struct cw_aside) == 40, "layout");
static_assert(sizeof(struct cw_passed) == 32, "layout");
static_assert(sizeof(struct cw_addr) == 28, "layout");
static_assert(sizeof(struct cw_frame) == 16, "layout");
static_assert(sizeof(struct cw_code) == 24, "layout");
static_assert(sizeof(struct cw_look) % 8 == 0, "layout");
static_assert(sizeof(struct cw_stats) % 8 == 0, "layout");
static_assert(sizeof(struct cw_module) % 8 == 0, "layout");
