/* SPDX-License-Identifier: MIT */
/* Notes the place of a signal that ends the process. */
#include <sys/prctl.h>

#include "end_place.h"
#include "sites.h"
#include "sys.h"
#include "thread.h"

void end_place_note(struct books *b, const void *context, cw_ref here)
{
	struct cw_process *p = b->process;

	p->end_site = context ? site_interrupted(b, context) : here;
	p->end_tid = thread_id();
	sys_call(SYS_prctl, PR_GET_NAME, p->end_thread, 0, 0);
}

void end_place_forget(struct books *b)
{
	b->process->end_site = 0;
}
