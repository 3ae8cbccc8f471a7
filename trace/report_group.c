/* SPDX-License-Identifier: MIT */
/* One cause: what is known of its sockets, and the code that had them in hand. */
#include "group_words.h"
#include "report_parts.h"
#include "text.h"

static const char *origin_name(unsigned origin)
{
	static const char *const names[CW_ORIGIN_KINDS] = {
		[CW_ORIGIN_ACCEPT] = "accepted ",   [CW_ORIGIN_CONNECT] = "connected ",
		[CW_ORIGIN_SOCKETPAIR] = "paired ", [CW_ORIGIN_INHERITED] = "inherited ",
		[CW_ORIGIN_RECEIVED] = "received ", [CW_ORIGIN_ADOPTED] = "already open ",
	};

	return origin < CW_ORIGIN_KINDS && names[origin] ? names[origin] : "";
}

static void put_verdict(const struct report *report, const struct group *group)
{
	struct naming naming;

	text_put(report->sink, verdict_name(group->verdict));
	text_put(report->sink, "  ");
	text_unsigned(report->sink, group->count);
	text_put(report->sink, " ");
	text_put(report->sink, origin_name(group->example.origin));
	text_put(report->sink, group->count == 1 ? "socket: " : "sockets: ");
	group_words_put(report->sink, group, true);
	text_put(report->sink, "   [");
	naming = report_naming(report);
	text_hex(report->sink, stack_fingerprint(&naming, &group->example), 8);
	text_put(report->sink,
		 group->run->mark == RUN_KNOWN ? "]  known before\n" : "]\n");
}

/* How long the descriptors would have lasted, by the rate since the process started. */
static void put_rate(const struct report *report, const struct group *group)
{
	uint64_t up = report_uptime(report);
	uint64_t limit = report->subject->process->fd_limit;
	uint64_t tenths;

	if (up < 10000000000ull || !group->leak || report->findings->speaking > 1)
		return;
	tenths = (uint64_t)((unsigned __int128)group->count * 600000000000ull / up);
	if (!tenths)
		return;
	text_put(report->sink, ", ");
	text_unsigned(report->sink, tenths / 10);
	text_put(report->sink, ".");
	text_unsigned(report->sink, tenths % 10);
	text_put(report->sink, " a minute");
	if (!limit)
		return;
	text_put(report->sink, ": ");
	text_unsigned(report->sink, limit);
	text_put(report->sink, " descriptors would have lasted ");
	text_duration(report->sink,
		      (uint64_t)((unsigned __int128)limit * 600000000000ull / tenths));
}

static void put_ages(const struct report *report, const struct group *group)
{
	if (group->count > 1) {
		text_put(report->sink, "  oldest ");
		group_words_age(report->sink, group);
		text_put(report->sink, ", newest ");
		text_duration(report->sink, group->newest);
		put_rate(report, group);
		text_put(report->sink, "\n");
	}
	if (group->by_exit) {
		text_put(report->sink, "  closed only by exit");
		if (group->count > 1) {
			text_put(report->sink, ": ");
			text_unsigned(report->sink, group->by_exit);
			text_put(report->sink, " of them");
		}
		text_put(report->sink, ", less than a second before the process ended\n");
	}
	text_put(report->sink, "\n");
}

/* "never read: no first read", and of how many, if not of all. */
static void put_never(const struct report *report, const char *words, uint64_t never,
		      uint64_t count)
{
	text_put(report->sink, "  ");
	text_put(report->sink, words);
	if (never != count) {
		text_put(report->sink, " (");
		text_unsigned(report->sink, never);
		text_put(report->sink, " of ");
		text_unsigned(report->sink, count);
		text_put(report->sink, ")");
	}
	text_put(report->sink, "\n");
}

static bool same_stack(struct report *report, cw_ref a, cw_ref b)
{
	return stack_hash(report->findings->groups.memo, &report->subject->view, a) ==
	       stack_hash(report->findings->groups.memo, &report->subject->view, b);
}

static void put_first_calls(struct report *report, const struct group *group)
{
	const struct cw_socket *socket = &group->example;

	if (socket->first_read_site &&
	    !same_stack(report, socket->first_read_site, socket->eof_site))
		report_stack(report, "first read", socket->first_read_site);
	if (!socket->first_read_site && !socket->eof_site)
		put_never(report, "never read: no first read", group->never_read,
			  group->count);
	if (socket->first_write_site)
		report_stack(report, "first write", socket->first_write_site);
	else
		put_never(report, "never sent: no first write", group->never_sent,
			  group->count);
}

static void put_last_call(const struct report *report, const struct group *group)
{
	const struct cw_socket *socket = &group->example;
	int result = socket->last_result;

	if (group->count != 1 || socket->last_call == CW_CALL_NONE)
		return;
	report_label(report, "last call");
	text_put(report->sink, socket->last_call == CW_CALL_READ ? "a read" : "a write");
	if (result < 0) {
		text_put(report->sink, " that failed: ");
		text_errno(report->sink, result == INT32_MIN ? 0 : -result);
	} else {
		text_put(report->sink, " that returned ");
		text_signed(report->sink, result);
	}
	text_put(report->sink, "\n");
}

static void put_fin(const struct report *report, const struct group *group)
{
	report_label(report, "peer FIN");
	group_words_age(report->sink, group);
	text_put(report->sink,
		 report->subject->context.alive ? " ago" : " before the end");
	text_put(report->sink, group->example.flags & CW_SOCKET_TOLD
				       ? "; no call has read it\n"
				       : "; no call has learned of it\n");
}

/* What was told matters where it was not read. */
static void put_told(struct report *report, const struct group *group)
{
	const struct cw_socket *socket = &group->example;

	if (!(socket->flags & CW_SOCKET_TOLD) || socket->eof_site)
		return;
	report_stack(report,
		     socket->flags & CW_SOCKET_TOLD_ERROR ? "told of end" : "told of FIN",
		     group->aside.told_site);
}

static void put_origin(struct report *report, const struct cw_socket *socket)
{
	if (socket->flags & CW_SOCKET_FOUND)
		report_found(report);
	else
		report_stack(report, history_word(history_origin(socket->origin)),
			     socket->open_site);
}

/* Is the group of one process alone? */
static bool has_one_subject(const struct report *report, const struct group *group)
{
	const struct group_item *items =
		&report->findings->groups.items[group->run->first];

	for (uint32_t i = 1; i < group->run->count; i++)
		if (items[i].subject != items[0].subject)
			return false;
	return true;
}

/* Where no call has learned of the peer's end, what the program did instead. */
static void put_end(const struct report *report, const struct group *group)
{
	if (group->verdict == VERDICT_EOF_UNREAD ||
	    (group->verdict == VERDICT_UNKNOWN && group->leak))
		put_fin(report, group);
	else if (group->verdict != VERDICT_RESET_IGNORED || !group->reset_unlearned)
		return;
	if (!report->subject->context.alive && has_one_subject(report, group))
		report_end_stack(report);
}

/* What dates the verdict comes first; of an unread EOF nothing may, it comes last. */
static void put_stacks(struct report *report, const struct group *group)
{
	const struct cw_socket *socket = &group->example;
	const struct cw_aside *aside = &group->aside;

	if (group->verdict == VERDICT_SHUTDOWN_UNCLOSED)
		report_stack(report, "shutdown", aside->shutdown_site);
	if (group->verdict == VERDICT_RESET_IGNORED && aside->reset_site)
		report_stack(report, "reset", aside->reset_site);
	if (socket->eof_site)
		report_stack(report, "EOF read", socket->eof_site);
	put_told(report, group);
	put_origin(report, socket);
	put_first_calls(report, group);
	put_last_call(report, group);
	if (group->verdict != VERDICT_RESET_IGNORED && aside->reset_site)
		report_stack(report, "then reset", aside->reset_site);
	put_end(report, group);
	if (aside->close_site)
		report_stack(report, "closed by", aside->close_site);
	report_history(report, group);
	text_put(report->sink, "\n");
}

void report_group(struct report *report, const struct group *group)
{
	report->subject = group->subject;
	put_verdict(report, group);
	put_ages(report, group);
	put_stacks(report, group);
	if (group->verdict != VERDICT_OPEN)
		report_closers(report, group);
	report_examples(report, group);
}
