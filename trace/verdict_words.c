/* SPDX-License-Identifier: MIT */
/* Names of the verdicts, and the plain sentence that helps with each. */
#include "verdict.h"

struct words {
	const char *name;
	const char *help;
	const char *python; /* NULL: as `help` */
};

static const struct words words[VERDICTS] = {
	[VERDICT_EOF_IGNORED] =
		{
			"eof-ignored",
			"a read returned 0, the peer is done: close the descriptor on "
			"that path too",
			"recv() returned b'': leave the loop and close: `with conn:`, or "
			"try/finally with conn.close()",
		},
	[VERDICT_EOF_UNREAD] =
		{
			"eof-unread",
			"nothing read it again, so the end was never learned: read until "
			"0 and close, or close when done with it",
			"close it on every path: `with conn:`, or try/finally with "
			"conn.close()",
		},
	[VERDICT_RESET_IGNORED] =
		{
			"reset-ignored",
			"the connection is dead, yet the descriptor is held: close after "
			"an error as after EOF",
			"close it after an exception too: `with conn:`, or try/finally "
			"with conn.close()",
		},
	[VERDICT_SHUTDOWN_UNCLOSED] =
		{
			"shutdown-unclosed",
			"shutdown() does not give the descriptor back: call close() after "
			"it",
			"shutdown() does not close: `with conn:`, or conn.close() after "
			"it",
		},
	[VERDICT_HALF_CLOSED] =
		{
			"half-closed",
			"data was sent after EOF and nothing has moved since: close when "
			"the answer is sent, and set a time limit for sending",
			NULL,
		},
	[VERDICT_UNKNOWN] =
		{
			"unknown",
			"the process did not end by itself, so nobody could ask the "
			"kernel: these may be leaks or live connections",
			NULL,
		},
	[VERDICT_IDLE_CLIENT] =
		{
			"idle-client",
			"the server ended these while they waited in a pool: a shorter "
			"idle time in the pool closes them sooner",
			NULL,
		},
	[VERDICT_OPEN] = {"open", "still in use, as far as anybody can tell", NULL},
	[VERDICT_CLOSED] = {"closed", "", NULL},
	[VERDICT_GONE] = {"gone", "", NULL},
};

const char *verdict_name(enum verdict verdict)
{
	return verdict < VERDICTS ? words[verdict].name : "?";
}

const char *verdict_help(enum verdict verdict, bool python)
{
	if (verdict >= VERDICTS)
		return "";
	if (python && words[verdict].python)
		return words[verdict].python;
	return words[verdict].help;
}
