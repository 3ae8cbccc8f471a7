/* SPDX-License-Identifier: MIT */
/* The rules by which a socket that is still open gets its verdict. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "verdict.h"

/* A socket closed this long before the process's end was closed by it: interpreters sweep
 * up just before they exit. */
#define MS 1000000ull

/* The kernel counts our SYN and our FIN as a byte each. */
#define SYN_AND_FIN 2u
/* tcp_info tells time in the kernel's ticks: at the coarsest this long. */
#define TICK        (10 * MS)

/* One socket on its way to a verdict. */
struct judge {
	const struct cw_socket *socket;
	const struct cw_look *look; /* NULL: none */
	const struct verdict_context *context;
	struct verdict_detail *detail;
	uint64_t moment; /* the context's, or when a late one was closed */
	uint32_t flags;  /* enum cw_socket_flag */
};

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t since(const struct judge *judge, uint64_t ns)
{
	return judge->moment > ns ? judge->moment - ns : 0;
}

static uint64_t age(const struct judge *judge)
{
	return since(judge, judge->socket->opened);
}

static uint64_t after(const struct judge *judge, cw_after moment)
{
	return cw_after_ns(judge->socket->opened, moment);
}

/* The moment `ms` before the kernel was asked. */
static uint64_t ms_before_look(const struct judge *judge, uint32_t ms)
{
	uint64_t ago = ms * MS;

	return judge->look->taken > ago ? judge->look->taken - ago : 0;
}

static bool has_tcp(const struct judge *judge)
{
	return judge->look && judge->look->flags & CW_LOOK_TCP;
}

static bool in_state(const struct judge *judge, uint32_t state)
{
	return has_tcp(judge) && judge->look->state == state;
}

static bool polled(const struct judge *judge, uint32_t flags)
{
	return judge->look && !has_tcp(judge) && judge->look->flags & flags;
}

static bool is_stream(const struct cw_socket *socket)
{
	return socket->type == SOCK_STREAM &&
	       (socket->domain == AF_INET || socket->domain == AF_INET6 ||
		socket->domain == AF_UNIX);
}

static bool kernel_connected(const struct judge *judge)
{
	return in_state(judge, TCP_ESTABLISHED) || in_state(judge, TCP_CLOSE_WAIT) ||
	       in_state(judge, TCP_FIN_WAIT1) || in_state(judge, TCP_FIN_WAIT2) ||
	       in_state(judge, TCP_CLOSING) || in_state(judge, TCP_LAST_ACK);
}

/* Nobody asked how a connect() ended that did not wait; the SYN is the first byte that the peer
 * acknowledges. */
static bool was_connected(const struct judge *judge)
{
	return judge->flags & CW_SOCKET_CONNECTING && has_tcp(judge) &&
	       judge->look->bytes_acked;
}

/* Whether the socket can have a peer to be left by, and is ours to answer for. A program that inetd
 * or systemd starts for one connection ends it by its exit; after exec the next image answers. */
static bool is_candidate(const struct judge *judge)
{
	if (!is_stream(judge->socket) || judge->flags & CW_SOCKET_LISTENING)
		return false;
	if (judge->socket->origin == CW_ORIGIN_INHERITED &&
	    !(judge->flags & CW_SOCKET_TOUCHED))
		return false;
	if (judge->flags & CW_SOCKET_FOUND && judge->context->orderly)
		return false;
	return judge->flags & (CW_SOCKET_CONNECTED | CW_SOCKET_EOF) ||
	       kernel_connected(judge) || was_connected(judge);
}

static enum verdict open_verdict(struct judge *judge)
{
	judge->detail->dwell = age(judge);
	judge->detail->bound = DWELL_EXACT;
	return VERDICT_OPEN;
}

/* Is it known how long the process had been alive, and had not closed? When a killed one ended
 * nobody wrote down: the kernel was asked while it lived, or somebody saw the end. */
static bool end_is_known(const struct judge *judge)
{
	return !judge->context->killed || judge->context->dated || judge->look;
}

/* grace is compared with the dwell as it is known: for "at least" that is its lower bound.
 * Of a process that may have lived for long after its last recorded moment nothing is young. */
static enum verdict leak(struct judge *judge, enum verdict verdict, uint64_t dwell,
			 enum dwell_bound bound)
{
	struct verdict_detail *detail = judge->detail;

	detail->dwell = min(dwell, age(judge));
	detail->bound = bound;
	if (bound == DWELL_EXACT && judge->context->killed && !judge->context->dated)
		detail->bound = DWELL_AT_LEAST;
	detail->young = detail->dwell < judge->context->grace && end_is_known(judge);
	detail->leak = !detail->young;
	return verdict;
}

/* Of a killed process nobody was to see the end. Its socket was in CLOSE_WAIT from its EOF on, or
 * from when it was told of the FIN, and has not lived there until the next look at the kernel's table:
 * its process has not either, or has closed it out of sight. */
static enum verdict young_if_gone_by_next_look(struct judge *judge, enum verdict verdict,
					       uint64_t ns)
{
	struct verdict_detail *detail = judge->detail;

	if (!end_is_known(judge) && judge->socket->domain != AF_UNIX &&
	    ns < judge->context->watched && detail->dwell < judge->context->grace) {
		detail->young = true;
		detail->leak = false;
	}
	return verdict;
}

static enum verdict eof_ignored(struct judge *judge)
{
	uint64_t eof = judge->socket->eof;

	leak(judge, VERDICT_EOF_IGNORED, since(judge, eof), DWELL_EXACT);
	return young_if_gone_by_next_look(judge, VERDICT_EOF_IGNORED, eof);
}

static enum verdict leak_since(struct judge *judge, enum verdict verdict, uint64_t ns)
{
	return leak(judge, verdict, since(judge, ns), DWELL_EXACT);
}

/* The FIN came between the last acknowledgement and the last data. */
static uint64_t fin_lower_bound(const struct judge *judge)
{
	uint32_t ms = judge->look->last_ack_recv < judge->look->last_data_recv
			      ? judge->look->last_ack_recv
			      : judge->look->last_data_recv;

	return since(judge, ms_before_look(judge, ms));
}

/* What poll() or epoll_wait() told of had come by then; 0 if they told nothing. */
static uint64_t since_told(const struct judge *judge)
{
	return judge->flags & CW_SOCKET_TOLD
		       ? since(judge, after(judge, judge->socket->told))
		       : 0;
}

/* The same for how long the socket has been left alone: who was told that the peer will send no more
 * may go on sending, as to a client that shut down its writing side and reads on. */
static uint64_t left_since_told(const struct judge *judge)
{
	uint64_t told = since_told(judge);

	return has_tcp(judge)
		       ? min(told,
			     since(judge,
				   ms_before_look(judge, judge->look->last_data_sent)))
		       : told;
}

/* The kernel was asked more than once, and the peer had left before. */
static uint64_t since_seen_left(const struct judge *judge)
{
	return judge->look && judge->look->left_ago
		       ? since(judge, ms_before_look(judge, judge->look->left_ago))
		       : 0;
}

static bool eof_came_first(const struct judge *judge)
{
	return judge->flags & CW_SOCKET_EOF &&
	       !(judge->flags & CW_SOCKET_RESET && judge->flags & CW_SOCKET_RESET_FIRST);
}

/* Our own FIN is sent: has the peer's come, or a reset? */
static bool both_directions_shut(const struct judge *judge)
{
	if (judge->flags & CW_SOCKET_SHUT_RD || judge->flags & CW_SOCKET_EOF)
		return true;
	if (judge->flags & CW_SOCKET_TOLD)
		return true;
	return in_state(judge, TCP_CLOSE) || in_state(judge, TCP_LAST_ACK) ||
	       in_state(judge, TCP_CLOSING) || in_state(judge, TCP_TIME_WAIT) ||
	       in_state(judge, TCP_CLOSE_WAIT) ||
	       polled(judge, CW_LOOK_HUP | CW_LOOK_RDHUP);
}

/* What nothing dates may have been an instant ago: counted, not judged. The kernel keeps no time for
 * AF_UNIX; where a process waits for its child and then ends itself (sshd), or two that are joined
 * (nginx's channels) end one after the other, a peer left just before the end. While a process lives
 * the next look tells. */
static enum verdict perhaps_just_now(struct judge *judge, enum verdict verdict)
{
	leak(judge, verdict, 0, DWELL_AT_LEAST);
	judge->detail->young = true;
	judge->detail->undated = true;
	judge->detail->leak = false;
	return verdict;
}

/* Our FIN is on its way, or was lost. */
static bool fin_unacknowledged(const struct judge *judge)
{
	return in_state(judge, TCP_FIN_WAIT1) || in_state(judge, TCP_CLOSING) ||
	       in_state(judge, TCP_LAST_ACK);
}

/* When the second direction was shut is not recorded: EOF dates it, or the last
 * acknowledgement is the earliest it can have been, or the program was told that both were. */
static enum verdict shut_verdict(struct judge *judge)
{
	if (!both_directions_shut(judge))
		return open_verdict(judge);
	if (judge->flags & CW_SOCKET_EOF)
		return leak(judge, VERDICT_SHUTDOWN_UNCLOSED,
			    since(judge, judge->socket->eof), DWELL_AT_MOST);
	if (fin_unacknowledged(judge) && !judge->context->alive)
		return perhaps_just_now(judge, VERDICT_SHUTDOWN_UNCLOSED);
	if (has_tcp(judge))
		return leak(judge, VERDICT_SHUTDOWN_UNCLOSED, fin_lower_bound(judge),
			    DWELL_AT_LEAST);
	if (judge->flags & CW_SOCKET_TOLD_HUP)
		return leak(judge, VERDICT_SHUTDOWN_UNCLOSED, since_told(judge),
			    DWELL_AT_LEAST);
	if (since_seen_left(judge))
		return leak(judge, VERDICT_SHUTDOWN_UNCLOSED, since_seen_left(judge),
			    DWELL_AT_LEAST);
	if (!judge->context->alive)
		return perhaps_just_now(judge, VERDICT_SHUTDOWN_UNCLOSED);
	return leak(judge, VERDICT_SHUTDOWN_UNCLOSED, age(judge), DWELL_AT_MOST);
}

/* The peer has gone for good: what is written now reaches nobody. */
static bool connection_dead(const struct judge *judge)
{
	return judge->flags & CW_SOCKET_RESET || in_state(judge, TCP_CLOSE);
}

/* Did libc (dprintf, stdio), io_uring or another process send after EOF, where no hook saw it?
 * Told by the kernel's count of a connection that began in this process, so that all else that
 * was sent on it is known; what went out before EOF does not matter. */
static bool sent_out_of_sight(const struct judge *judge)
{
	const struct cw_socket *socket = judge->socket;
	const struct cw_look *look = judge->look;

	if (!has_tcp(judge) ||
	    (socket->origin != CW_ORIGIN_ACCEPT && socket->origin != CW_ORIGIN_CONNECT))
		return false;
	return look->bytes_acked + look->unsent > socket->bytes_out + SYN_AND_FIN &&
	       ms_before_look(judge, look->last_data_sent) + TICK >= socket->eof;
}

static bool still_sending(const struct judge *judge)
{
	if (connection_dead(judge))
		return false;
	return judge->flags & CW_SOCKET_WROTE_AFTER_EOF ||
	       (judge->look && judge->look->unsent) || sent_out_of_sight(judge);
}

static uint64_t last_movement(const struct judge *judge)
{
	uint64_t moved = max(judge->socket->eof, after(judge, judge->socket->moved));

	if (has_tcp(judge))
		moved = max(moved, ms_before_look(judge, judge->look->last_data_sent));
	if (has_tcp(judge) && judge->look->unsent)
		moved = max(moved, ms_before_look(judge, judge->look->last_ack_recv));
	return moved;
}

static enum verdict eof_verdict(struct judge *judge)
{
	/* No FIN has come: another process that holds the socket shut down its reading side. */
	if (in_state(judge, TCP_ESTABLISHED))
		return open_verdict(judge);
	if (!still_sending(judge))
		return eof_ignored(judge);
	leak_since(judge, VERDICT_HALF_CLOSED, judge->socket->eof);
	judge->detail->young = false;
	judge->detail->leak =
		since(judge, last_movement(judge)) >= judge->context->slow_close;
	return VERDICT_HALF_CLOSED;
}

/* No call failed of it. It came after the last acknowledgement, unless the program was told. */
static enum verdict dead_verdict(struct judge *judge)
{
	judge->detail->reset_unlearned = true;
	if (judge->flags & CW_SOCKET_TOLD_ERROR)
		return leak(judge, VERDICT_RESET_IGNORED, since_told(judge),
			    DWELL_AT_LEAST);
	return leak(judge, VERDICT_RESET_IGNORED,
		    since(judge, ms_before_look(judge, judge->look->last_ack_recv)),
		    DWELL_AT_MOST);
}

/* A pooled connection that waits for its next use. What libc's stdio reads we do not see,
 * the kernel's counts then stand for ours (each counts one for a SYN or FIN). */
static bool is_idle_client(const struct judge *judge, bool unseen)
{
	const struct cw_socket *socket = judge->socket;

	if (socket->origin != CW_ORIGIN_CONNECT)
		return false;
	if ((unseen || judge->flags & CW_SOCKET_STDIO) && has_tcp(judge))
		return judge->look->bytes_received > 1 && judge->look->bytes_acked > 1;
	return socket->bytes_in && socket->bytes_out;
}

/* Only this process can have read from it: no other has a copy of the descriptor. */
static bool is_read_here_alone(const struct judge *judge)
{
	const struct cw_socket *socket = judge->socket;

	return (socket->origin == CW_ORIGIN_ACCEPT ||
		socket->origin == CW_ORIGIN_CONNECT) &&
	       !socket->heirs && !(judge->flags & (CW_SOCKET_SENT | CW_SOCKET_STDIO));
}

/* Was it read where no hook saw it, by io_uring or by system calls of the program's own? Then the
 * end may have been read so, too. Told by the kernel's count, which has the FIN as a byte; where no
 * data came at all, only that the process has used io_uring can tell. What is in the queue still is
 * the proof that the end was not reached. */
static bool read_out_of_sight(const struct judge *judge)
{
	const struct cw_look *look = judge->look;
	uint64_t in = judge->socket->bytes_in;

	if (!look || look->unread || look->flags & CW_LOOK_FIN_UNREAD ||
	    !is_read_here_alone(judge))
		return false;
	if (has_tcp(judge) && look->bytes_received > in + 1)
		return true;
	return judge->context->uring && !in;
}

/* One end of a pair on which nothing was ever done, and nothing waits. Java keeps such a one, whose
 * other end it has closed itself, to put it in place of sockets that it is about to close. */
static bool is_placeholder(const struct judge *judge)
{
	return judge->socket->origin == CW_ORIGIN_SOCKETPAIR && !judge->look->unread &&
	       !(judge->flags &
		 (CW_SOCKET_FIRST_READ | CW_SOCKET_FIRST_WRITE | CW_SOCKET_TOLD));
}

static enum verdict unread_verdict(struct judge *judge)
{
	uint64_t dwell =
		max(has_tcp(judge) ? fin_lower_bound(judge) : since_seen_left(judge),
		    left_since_told(judge));
	enum dwell_bound bound = DWELL_AT_LEAST;
	bool unseen = read_out_of_sight(judge);

	if (!has_tcp(judge) && !(judge->flags & CW_SOCKET_TOLD) &&
	    !since_seen_left(judge)) {
		dwell = age(judge);
		bound = DWELL_AT_MOST;
	}
	if (bound == DWELL_AT_MOST && !judge->context->alive)
		return perhaps_just_now(judge, VERDICT_EOF_UNREAD);
	if (!is_idle_client(judge, unseen)) {
		leak(judge, VERDICT_EOF_UNREAD, dwell, bound);
		return young_if_gone_by_next_look(
			judge, unseen ? VERDICT_UNKNOWN : VERDICT_EOF_UNREAD,
			after(judge, judge->socket->told));
	}
	judge->detail->dwell = min(dwell, age(judge));
	judge->detail->bound = bound;
	return VERDICT_IDLE_CLIENT;
}

/* It went out of CLOSE_WAIT while its process lived, which was seen: closed out of our sight, or
 * reset. */
static bool left_while_alive(const struct judge *judge)
{
	return judge->context->dated && judge->look && judge->look->flags & CW_LOOK_LEFT;
}

/* Neither EOF nor reset was learned and we did not shut down: the kernel decides, by what it says
 * now or has told the program. */
static enum verdict kernel_verdict(struct judge *judge)
{
	/* Poll says RDHUP for our own shutdown(SHUT_RD) too. Without HUP the peer is there and may
	 * still be reading what it is sent; how long ago that was nobody can tell. */
	uint32_t hangup = judge->flags & CW_SOCKET_SHUT_RD || judge->socket->bytes_out
				  ? CW_LOOK_HUP
				  : CW_LOOK_HUP | CW_LOOK_RDHUP;

	if (in_state(judge, TCP_CLOSE))
		return dead_verdict(judge);
	if (left_while_alive(judge)) {
		open_verdict(judge);
		return VERDICT_UNKNOWN;
	}
	if ((in_state(judge, TCP_CLOSE_WAIT) || polled(judge, hangup)) &&
	    !is_placeholder(judge))
		return unread_verdict(judge);
	if (!judge->look && judge->flags & CW_SOCKET_TOLD)
		return judge->flags & CW_SOCKET_TOLD_ERROR ? dead_verdict(judge)
							   : unread_verdict(judge);
	open_verdict(judge);
	return judge->look ? VERDICT_OPEN : VERDICT_UNKNOWN;
}

static enum verdict candidate_verdict(struct judge *judge)
{
	if (judge->flags & CW_SOCKET_SHUT_WR)
		return shut_verdict(judge);
	if (eof_came_first(judge))
		return eof_verdict(judge);
	if (judge->flags & CW_SOCKET_RESET)
		return leak_since(judge, VERDICT_RESET_IGNORED,
				  after(judge, judge->socket->reset));
	return kernel_verdict(judge);
}

/* A socket that was closed late is judged as if it were still open if the process ended
 * within a second: that was its end, not its code. */
static bool swept_up_by_exit(const struct judge *judge)
{
	const struct verdict_context *context = judge->context;

	return !context->alive && !context->killed && judge->socket->closed &&
	       after(judge, judge->socket->closed) + LAST_SECOND >= context->moment;
}

static enum verdict late_verdict(struct judge *judge)
{
	enum verdict verdict = VERDICT_CLOSED;

	if (!swept_up_by_exit(judge))
		return VERDICT_CLOSED;
	judge->moment = after(judge, judge->socket->closed);
	if (is_candidate(judge))
		verdict = candidate_verdict(judge);
	if (!judge->detail->leak) {
		*judge->detail = (struct verdict_detail){0};
		return VERDICT_CLOSED;
	}
	judge->detail->closed_by_exit = true;
	return verdict;
}

enum verdict verdict_of(const struct cw_socket *socket, const struct cw_look *look,
			const struct verdict_context *context,
			struct verdict_detail *detail)
{
	struct judge judge = {
		.socket = socket,
		.look = look,
		.context = context,
		.detail = detail,
		.moment = context->moment,
		.flags = socket->flags,
	};

	*detail = (struct verdict_detail){0};
	if (!cw_word_refs(socket->word))
		return VERDICT_CLOSED;
	if (judge.flags & CW_SOCKET_LATE)
		return late_verdict(&judge);
	/* The last thing that is known of who was killed. */
	if (context->killed && look && look->taken > judge.moment)
		judge.moment = look->taken;
	if (look && look->flags & CW_LOOK_GONE)
		return VERDICT_GONE;
	if (!is_candidate(&judge))
		return open_verdict(&judge);
	return candidate_verdict(&judge);
}

struct verdict_context verdict_context_of(const struct trace_view *view,
					  const struct cw_process *process, uint64_t now,
					  bool alive, bool killed)
{
	bool ended = process->state == CW_PROCESS_ENDED && process->ended;
	struct verdict_context context = {
		.moment = now,
		.grace = view->header->grace,
		.slow_close = view->header->slow_close,
		.watched = view->watched,
		.alive = alive && !ended,
		.killed = killed && !ended,
	};

	context.uring = process->flags & CW_PROCESS_URING;
	context.orderly = ended && process->ended_by != CW_END_SIGNAL &&
			  process->ended_by != CW_END_UNKNOWN;
	if (ended)
		context.moment = process->ended;
	else if (killed)
		context.moment = process->last_event;
	return context;
}
