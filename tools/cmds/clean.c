/* SPDX-License-Identifier: MIT */
/* closewait clean: removes kept sessions that have ended. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/session_dir.h"
#include "trace/duration.h"

static const char help[] =
	"usage: closewait clean [--older-than DURATION] [--dir DIR]\n"
	"\n"
	"Removes the sessions that were kept and have ended. Those of which a process still\n"
	"runs stay.\n"
	"\n"
	"  --older-than DURATION   only those that nobody has written to for so long (0)\n"
	"  --dir DIR               where to look ($XDG_RUNTIME_DIR/closewait,\n"
	"                          /dev/shm/closewait-UID and /tmp/closewait-UID)\n"
	"  --help\n"
	"\n"
	"Exit status: 0; 2 if something could not be removed.\n";

struct request {
	const char *dir;
	uint64_t older_than; /* ns */
};

static int clean(const struct request *request)
{
	struct kept_list list;
	uint64_t bytes = 0;
	unsigned removed = 0, running = 0;
	int failed = kept_list_take(&list, request->dir) < 0;
	time_t last = time(NULL) - (time_t)(request->older_than / 1000000000u);

	for (size_t i = 0; i < list.count; i++) {
		const struct kept_session *session = &list.sessions[i];
		int error;

		running += session->alive;
		if (session->alive || session->changed > last)
			continue;
		error = session_remove(session->path);
		if (error) {
			complain_errno(session->path, -error);
			failed = 1;
			continue;
		}
		removed++;
		bytes += session->bytes;
	}
	printf("removed %u session%s, %" PRIu64 " KiB", removed, removed == 1 ? "" : "s",
	       bytes / 1024);
	if (running)
		printf("; %u still run%s", running, running == 1 ? "s" : "");
	putchar('\n');
	kept_list_free(&list);
	return failed ? EXIT_BAD_INPUT : 0;
}

int cmd_clean(int argc, char **argv)
{
	static const struct option options[] = {
		{"dir", required_argument, NULL, 'd'},
		{"older-than", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct request request = {0};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?')
			return EXIT_BAD_INPUT;
		if (option == 'd') {
			request.dir = optarg;
		} else if (!duration_parse(optarg, &request.older_than)) {
			complain(optarg, "not a duration (100ms, 10s, 2m)");
			return EXIT_BAD_INPUT;
		}
	}
	if (optind != argc) {
		complain(argv[optind],
			 "clean takes no argument (closewait clean --help)");
		return EXIT_BAD_INPUT;
	}
	return clean(&request);
}
