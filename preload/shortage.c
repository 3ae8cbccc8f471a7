/* SPDX-License-Identifier: MIT */
/* A shortage of descriptors is the incident itself: whoever looks at the log sees it there. */
#include <errno.h>
#include <sys/resource.h>

#include "notice.h"
#include "quiet_write.h"
#include "shortage.h"
#include "sys.h"
#include "trace/text.h"

static void put_limit(const struct text_sink *sink, int error)
{
	struct rlimit limit;

	if (error == ENFILE) {
		text_put(sink, "the machine has no more files (ENFILE)");
		return;
	}
	text_put(sink, "no descriptor is left (EMFILE");
	if (sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == 0) {
		text_put(sink, ", limit ");
		text_unsigned(sink, limit.rlim_cur);
	}
	text_put(sink, ")");
}

static uint64_t held(const struct cw_process *process)
{
	uint64_t opened = atomic_load(&process->opened);
	uint64_t gone = atomic_load(&process->closed) + atomic_load(&process->gone);

	return opened > gone ? opened - gone : 0;
}

void shortage_say(const struct books *b, int error)
{
	char line[256];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, sizeof(line));
	sink = text_buffer_sink(&buffer);
	text_put(&sink, "closewait: pid ");
	text_unsigned(&sink, b->process->pid);
	text_put(&sink, ": ");
	put_limit(&sink, error);
	/* What a fork child inherited was opened by another process. */
	if (!b->process->parent) {
		text_put(&sink, "; ");
		text_count(&sink, held(b->process), "socket");
		text_put(&sink, " held");
	}
	text_put(&sink, ": closewait top ");
	text_unsigned(&sink, b->process->pid);
	text_put(&sink, " shows where they were opened\n");
	if (notice_stderr_same())
		quiet_write_now(2, line, buffer.used);
}
