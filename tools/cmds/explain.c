/* SPDX-License-Identifier: MIT */
/* closewait explain: what a verdict or a fault means, and how it is mended. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmds.h"
#include "tools/complain.h"

static const char help[] =
	"usage: closewait explain [VERDICT | FAULT]\n"
	"\n"
	"What a word of the report means and how it is mended, in C and in Python.\n"
	"Without one: all of them in a line each.\n"
	"\n"
	"  --help\n"
	"\n"
	"Exit status: 0; 2 if there is no such word.\n";

struct word {
	const char *name;
	const char *brief;
	const char *meaning;
	const char *in_c;
	const char *in_python;
};

static const struct word words[] = {
	{
		"eof-ignored",
		"the end-of-file was read, and the socket kept",
		"The peer has closed: a read returned 0, and after that nothing was sent and\n"
		"close() never came. The kernel keeps the socket in CLOSE_WAIT, and the\n"
		"descriptor is gone, for as long as the process lives.",
		"n = recv(fd, buffer, sizeof buffer, 0);\n"
		"if (n <= 0) {            /* 0: the peer is done; < 0: look at errno */\n"
		"        close(fd);\n"
		"        return;\n"
		"}",
		"with conn:               # every way out of the block closes it\n"
		"    while data := conn.recv(4096):\n"
		"        ...",
	},
	{
		"eof-unread",
		"the peer closed, and the program never read that far",
		"The kernel has the peer's FIN, but no call has asked since: the program reads\n"
		"once and goes on, waits for something else, or has forgotten the socket. A\n"
		"hook on recv() alone cannot see it; the kernel's own state does. \"told of\n"
		"FIN\" shows where poll() or epoll_wait() said it (POLLRDHUP, POLLHUP): the\n"
		"code that handles the event there leaves the socket open.",
		"struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};\n"
		"/* read until 0, or close when the work with it is done; a time limit\n"
		" * (SO_RCVTIMEO, a timer) for peers that say nothing */",
		"with conn:               # closed also if nobody reads again\n"
		"    data = conn.recv(1024)\n"
		"    ...",
	},
	{
		"reset-ignored",
		"the connection is dead, and the descriptor held",
		"A call failed with ECONNRESET, EPIPE or ETIMEDOUT, or the kernel says that the\n"
		"connection was reset. Nothing can come or go on it; only close() gives the\n"
		"descriptor back.",
		"if (send(fd, data, size, MSG_NOSIGNAL) < 0 && errno != EAGAIN)\n"
		"        close(fd);       /* after an error as after end-of-file */",
		"with conn:               # an exception closes it, too\n"
		"    conn.sendall(data)",
	},
	{
		"shutdown-unclosed",
		"both directions are shut down, the descriptor is held",
		"shutdown() ends the conversation, not the descriptor: it stays open until\n"
		"close().",
		"shutdown(fd, SHUT_WR);\n"
		"while (read(fd, buffer, sizeof buffer) > 0)\n"
		"        ;                /* what the peer still sends */\n"
		"close(fd);",
		"conn.shutdown(socket.SHUT_WR)\n"
		"conn.close()",
	},
	{
		"half-closed",
		"end-of-file was read, and the program still sends",
		"A client may send its request, shut down its writing side and read the answer.\n"
		"That is no leak; it becomes one when nothing has moved for slow_close (10s).",
		"/* close(fd) when the answer is sent; SO_SNDTIMEO or a timer for peers\n"
		" * that do not read it */",
		"with conn:\n"
		"    conn.settimeout(30)\n"
		"    conn.sendall(answer)",
	},
	{
		"idle-client",
		"a pooled connection that the server has closed",
		"Our own connection, used before and idle since: pools find out at the next use.\n"
		"No leak; if there are many, the pool keeps them longer than the server does.",
		NULL,
		NULL,
	},
	{
		"unknown",
		"it is not known whether the end was read",
		"After SIGKILL only what the program itself had learned is known. It may have\n"
		"been a leak or a connection at work. `closewait report PID` asks the kernel\n"
		"while the process lives.\n"
		"A leak of this name is a socket that its peer has left, and that was read by\n"
		"io_uring or by system calls of the program's own, where no hook sees it: it was\n"
		"not closed, but whether its EOF was read nobody knows.",
		NULL,
		NULL,
	},
	{
		"open",
		"connected, listening, or never connected",
		"As far as anybody can tell it is in use. Shown with --show-open.",
		NULL,
		NULL,
	},
	{
		"slow-close",
		"closed, but only after slow_close in CLOSE_WAIT",
		"The code that closes is there; something it waits for comes late: a time limit\n"
		"that is too long, a queue, a lock, a garbage collector.",
		NULL,
		NULL,
	},
	{
		"closed-by-gc",
		"closed only as Python collected the socket's object",
		"No close(), `with` or detach() ran: the object of a connection that had been\n"
		"accepted or connected went away, by a reference count that came to 0 (a return,\n"
		"an exception) or by the collector, and its finalizer closed it. The stack of the\n"
		"close is the code that let go of it last, or that set the collector off. Whatever\n"
		"keeps the object alive, a cycle, a traceback, a list, keeps the peer waiting in\n"
		"CLOSE_WAIT; Python itself says ResourceWarning (python3 -X dev). CPython 3 only;\n"
		"from 3.13 on a StreamWriter that is collected closes itself, which looks like any\n"
		"other close.",
		NULL,
		"with conn:               # or contextlib.closing(conn), or try/finally\n"
		"    serve(conn)",
	},
	{
		"double-close",
		"a descriptor was closed that had been closed before",
		"With threads the second close() hits whoever got the number meanwhile: bytes\n"
		"for one client go to another. Both stacks are shown.",
		"close(c->fd);\n"
		"c->fd = -1;              /* who closes it forgets it */",
		"# os.close() on a number that a socket object owns: use conn.detach()\n"
		"# or conn.close(), not both",
	},
	{
		"eof-spin",
		"end-of-file was read again and again",
		"A read that returned 0 returns 0 for ever: the loop burns a processor and the\n"
		"socket stays. poll() calls it readable each time.",
		"if (n == 0) {\n"
		"        close(fd);       /* and out of the loop, and of the poll set */\n"
		"        break;\n"
		"}",
		"if not data:\n"
		"    break                # b'' is the end, not \"nothing yet\"",
	},
	{
		"descriptors-exhausted",
		"accept or socket failed: no descriptor was left",
		"EMFILE (this process's limit, ulimit -n) or ENFILE (the machine's). The report\n"
		"says which places of the code hold the most: the leak above is why.",
		NULL,
		NULL,
	},
};

static void put_indented(const char *text)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		printf("    %.*s\n", (int)size, text);
		text += size + (text[size] == '\n');
	}
}

static void explain(const struct word *word)
{
	printf("%s: %s\n\n%s\n", word->name, word->brief, word->meaning);
	if (word->in_c) {
		puts("\nIn C:\n");
		put_indented(word->in_c);
	}
	if (word->in_python) {
		puts("\nIn Python:\n");
		put_indented(word->in_python);
	}
}

static void list(void)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		printf("%-22s %s\n", words[i].name, words[i].brief);
}

int cmd_explain(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option == 'h') {
		fputs(help, stdout);
		return 0;
	}
	if (option == '?')
		return EXIT_BAD_INPUT;
	if (optind == argc) {
		list();
		return 0;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(argv[optind], words[i].name) != 0)
			continue;
		explain(&words[i]);
		return 0;
	}
	complain(argv[optind], "no such verdict or fault (closewait explain lists them)");
	return EXIT_BAD_INPUT;
}
