/* SPDX-License-Identifier: MIT */
/* What is true of every socket of a group, in words. */
#include "group_words.h"
#include "stack_names.h"
#include "text.h"

void group_words_age(const struct text_sink *sink, const struct group *group)
{
	if (group->bound == DWELL_AT_LEAST)
		text_put(sink, "at least ");
	if (group->bound == DWELL_AT_MOST)
		text_put(sink, "at most ");
	text_duration(sink, group->oldest);
}

/* Whoever was given the socket may have closed its copy: this one is what is left. */
static bool is_left_here(const struct group *group, uint64_t count)
{
	return !group->by_exit && count == group->count;
}

/* What is told of a group must be true of each in it: the exit may have closed some. */
static const char *close_words(const struct group *group)
{
	if (is_left_here(group, group->heirs_closed))
		return "a forked child closed it, still held here";
	if (is_left_here(group, group->passed_on))
		return "passed on and still held here";
	if (!group->by_exit)
		return "close() never came";
	return group->by_exit == group->count ? "close() came only with the exit"
					      : "close() came with the exit or never";
}

static const char *closed_words(const struct group *group)
{
	if (is_left_here(group, group->heirs_closed))
		return "closed by a forked child, still held here";
	if (is_left_here(group, group->passed_on))
		return "passed on and still held here";
	if (!group->by_exit)
		return "never closed";
	return group->by_exit == group->count ? "closed only by exit"
					      : "closed by exit or never";
}

const char *group_words_help(const struct group *group)
{
	if (is_left_here(group, group->heirs_closed))
		return "after fork() parent and child have a descriptor each: the one "
		       "that does not serve the connection closes its own at once";
	if (is_left_here(group, group->passed_on))
		return "who receives a descriptor gets one of its own: the sender closes "
		       "its own after sendmsg()";
	if (group->verdict == VERDICT_UNKNOWN && group->leak)
		return "close the descriptor where its read completes with 0, and where it "
		       "is read no more";
	return verdict_help(group->verdict, stack_is_python(&group->subject->view,
							    group->example.open_site));
}

static void put_unread_words(const struct text_sink *sink, const struct group *group,
			     bool with_age)
{
	text_put(sink, group->count == 1 ? "the peer closed" : "the peers closed");
	if (with_age) {
		text_put(sink, group->count == 1 ? " " : ", the first ");
		group_words_age(sink, group);
		text_put(sink, " ago");
	}
	text_put(sink, group->example.flags & CW_SOCKET_TOLD ? "; the program was told, "
							     : "; ");
	text_put(sink, group->example.first_read_site ? "never read again, "
		       : is_left_here(group, group->heirs_closed) ||
				       is_left_here(group, group->passed_on)
			       ? "never read here, "
			       : "never read, ");
	text_put(sink, closed_words(group));
}

static void put_half_closed_words(const struct text_sink *sink, const struct group *group)
{
	text_put(sink, group->example.flags & CW_SOCKET_WROTE_AFTER_EOF
			       ? "EOF was read, then data was sent"
			       : "EOF was read while data was still being sent");
	if (!group->leak)
		return;
	text_put(sink, "; nothing has moved for ");
	text_duration(sink, group->subject->context.slow_close);
	text_put(sink, " or more, ");
	text_put(sink, close_words(group));
}

/* The kernel says that the peer has left, and that more was read than was seen. */
static void put_unseen_words(const struct text_sink *sink, const struct group *group)
{
	text_put(sink,
		 "the peer closed; whether its end was read is not known, the program "
		 "reads out of our sight (io_uring, system calls of its own); ");
	text_put(sink, closed_words(group));
}

static void put_unknown_words(const struct text_sink *sink, const struct group *group)
{
	if (group->leak) {
		put_unseen_words(sink, group);
		return;
	}
	if (group->subject->context.killed && group->subject->view.sampled)
		text_put(sink,
			 "open when the process was killed; no EOF was read, and the "
			 "kernel had not said that the peer closed");
	else if (group->subject->context.killed)
		text_put(sink, "open when the process was killed; no EOF was read, "
			       "and nobody had asked the kernel");
	else
		text_put(sink, "open, no EOF was read, and the kernel could not be "
			       "asked");
}

static void put_reset_words(const struct text_sink *sink, const struct group *group)
{
	if (!group->reset_unlearned)
		text_put(sink, "a call failed, the connection was reset or timed out; ");
	else if (group->example.flags & CW_SOCKET_TOLD_ERROR)
		text_put(sink, "the connection is dead, the program was told; ");
	else
		text_put(sink, "the connection is dead and no call has learned of it; ");
}

void group_words_put(const struct text_sink *sink, const struct group *group,
		     bool with_age)
{
	switch (group->verdict) {
	case VERDICT_EOF_IGNORED:
		text_put(sink, "EOF was read, ");
		text_put(sink, close_words(group));
		break;
	case VERDICT_EOF_UNREAD:
		put_unread_words(sink, group, with_age);
		break;
	case VERDICT_RESET_IGNORED:
		put_reset_words(sink, group);
		text_put(sink, close_words(group));
		break;
	case VERDICT_SHUTDOWN_UNCLOSED:
		text_put(sink, "shut down in both directions, ");
		text_put(sink, close_words(group));
		break;
	case VERDICT_HALF_CLOSED:
		put_half_closed_words(sink, group);
		break;
	case VERDICT_UNKNOWN:
		put_unknown_words(sink, group);
		break;
	case VERDICT_IDLE_CLIENT:
		text_put(sink, "the peer closed it while it was idle, as pools leave "
			       "it; not a leak");
		break;
	default:
		text_put(sink, "in use, as far as the kernel says");
	}
}
