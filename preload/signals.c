/* SPDX-License-Identifier: MIT */
/* Handlers for the signals that end a process. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

#include "books.h"
#include "exit.h"
#include "hooks.h"
#include "options.h"
#include "proc.h"
#include "signals.h"
#include "sites.h"
#include "sys.h"

/* What our handlers take of a stack before they change to their own. */
#define HANDLER_NEEDS 1024u

static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE,
			    SIGALRM, SIGXCPU, SIGABRT, SIGSEGV, SIGBUS,  SIGILL,  SIGFPE};

/* Set once the handlers are in; constant afterwards. */
static bool installed;

/* Some thread's alternate stack cannot hold a handler: ours must not be put there. */
static _Atomic bool no_alternate;

/* Signals of which siginterrupt() has said that they interrupt: bit n - 1 of signal n. */
static _Atomic uint64_t interrupting;

static bool is_fatal(int sig)
{
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
		if (fatal[i] == sig)
			return true;
	}
	return false;
}

static void set_default(int sig)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	real_get()->sigaction(sig, &action, NULL);
}

/* Raised by an instruction, so that returning raises it again and a core shows the true
 * cause; one that was sent (si_code <= 0) would be lost that way. */
static bool is_fault(int sig, const siginfo_t *info)
{
	return (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE) &&
	       info->si_code > 0;
}

static void on_fatal(int sig, siginfo_t *info, void *context)
{
	uint64_t only = 1ull << (sig - 1);
	int saved = errno;

	exit_by_signal(sig, context, 0);
	set_default(sig);
	errno = saved;
	if (is_fault(sig, info))
		return;
	/* To this thread, with the sender's own information, and let through at once. */
	if (sys_call(SYS_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), sig, info) != 0)
		sys_call(SYS_tgkill, sys_getpid(), sys_gettid(), sig, 0);
	sys_sigprocmask(SIG_UNBLOCK, &only, NULL);
}

/* More names for the same: which of them is installed remembers what the kernel could not keep
 * of the flags that the program gave with SIG_DFL, so that it reads back what it wrote. The
 * empty statements keep the compiler from merging them: their addresses must differ. */
static void on_fatal_untouched(int sig, siginfo_t *info, void *context)
{
	on_fatal(sig, info, context);
	__asm__ volatile("");
}

static void on_fatal_onstack(int sig, siginfo_t *info, void *context)
{
	on_fatal(sig, info, context);
	__asm__ volatile("" ::"i"(1));
}

static void on_fatal_siginfo(int sig, siginfo_t *info, void *context)
{
	on_fatal(sig, info, context);
	__asm__ volatile("" ::"i"(2));
}

static void on_fatal_both(int sig, siginfo_t *info, void *context)
{
	on_fatal(sig, info, context);
	__asm__ volatile("" ::"i"(3));
}

/* Bit 0: SA_ONSTACK was given; bit 1: SA_SIGINFO. The last stands for a disposition that nobody
 * has ever set: it reads back as all zeros. */
#define UNTOUCHED 4
static void (*const names[])(int, siginfo_t *, void *) = {
	on_fatal, on_fatal_onstack, on_fatal_siginfo, on_fatal_both, on_fatal_untouched,
};

/* Which of our names this is, -1 if none. */
static int our_name(const void *handler)
{
	for (int i = 0; i <= UNTOUCHED; i++) {
		if (handler == (const void *)names[i])
			return i;
	}
	return -1;
}

static bool is_ours(const struct sigaction *action)
{
	return our_name((const void *)action->sa_handler) >= 0;
}

/* Ours in place of a SIG_DFL that the program asked for with these flags and mask. */
static struct sigaction ours_for(const struct sigaction *wanted)
{
	struct sigaction action = *wanted;
	int name = (wanted->sa_flags & SA_ONSTACK ? 1 : 0) |
		   (wanted->sa_flags & SA_SIGINFO ? 2 : 0);

	action.sa_sigaction = names[name];
	action.sa_flags |= SA_SIGINFO | SA_ONSTACK;
	if (no_alternate)
		action.sa_flags &= ~SA_ONSTACK;
	return action;
}

static void hide(struct sigaction *action)
{
	int name = our_name((const void *)action->sa_handler);

	action->sa_handler = SIG_DFL;
	if (name == UNTOUCHED)
		action->sa_flags = 0;
	if (name & 1)
		action->sa_flags |= SA_ONSTACK;
	else
		action->sa_flags &= ~SA_ONSTACK;
	if (!(name & 2))
		action->sa_flags &= ~SA_SIGINFO;
}

sighandler_t signals_shown(sighandler_t handler)
{
	return our_name((const void *)handler) >= 0 ? SIG_DFL : handler;
}

void signals_install(void)
{
	if (!options.signals || proc_is_init())
		return;
	installed = true;
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
		struct sigaction now;
		struct sigaction action;

		if (real_get()->sigaction(fatal[i], NULL, &now) != 0 || is_ours(&now) ||
		    now.sa_handler != SIG_DFL)
			continue;
		action = ours_for(&now);
		if (!now.sa_flags)
			action.sa_sigaction = names[UNTOUCHED];
		real_get()->sigaction(fatal[i], &action, NULL);
	}
}

int signals_action(int sig, const struct sigaction *set, struct sigaction *old)
{
	struct sigaction ours;
	int r;

	if (set && installed && set->sa_handler == SIG_DFL && is_fatal(sig) &&
	    !books_in_vfork_child()) {
		ours = ours_for(set);
		set = &ours;
	}
	r = real_get()->sigaction(sig, set, old);
	if (r == 0 && old && is_ours(old))
		hide(old);
	return r;
}

void signals_alternate(size_t size)
{
	/* Without room for the kernel's own frame the process would die of SIGSEGV, not of the
	 * signal. AT_MINSIGSTKSZ: Linux 5.14. */
	size_t least = getauxval(AT_MINSIGSTKSZ);

	if (!installed || size >= (least ? least : MINSIGSTKSZ) + HANDLER_NEEDS ||
	    books_in_vfork_child() || atomic_exchange(&no_alternate, true))
		return;
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
		struct sigaction now;

		if (real_get()->sigaction(fatal[i], NULL, &now) != 0 || !is_ours(&now))
			continue;
		now.sa_flags &= ~SA_ONSTACK;
		real_get()->sigaction(fatal[i], &now, NULL);
	}
}

void signals_interrupting(int sig, bool interrupt)
{
	struct sigaction now;

	if (interrupt)
		atomic_fetch_or(&interrupting, 1ull << (sig - 1));
	else
		atomic_fetch_and(&interrupting, ~(1ull << (sig - 1)));
	if (!installed || real_get()->sigaction(sig, NULL, &now) != 0 ||
	    our_name((const void *)now.sa_handler) != UNTOUCHED || books_in_vfork_child())
		return;
	now.sa_sigaction = on_fatal;
	real_get()->sigaction(sig, &now, NULL);
}

sighandler_t signals_handler(sighandler_t (*next)(int, sighandler_t), int sig,
			     sighandler_t handler, int flags)
{
	struct sigaction set = {.sa_handler = SIG_DFL, .sa_flags = flags};
	struct sigaction old;

	if (is_fatal(sig) && interrupting >> (sig - 1) & 1)
		set.sa_flags &= ~SA_RESTART;

	/* The BSD kind blocks the signal in its handler, and says so in the mask. */
	if (!(flags & SA_NODEFER))
		sigaddset(&set.sa_mask, sig);
	if (handler == SIG_DFL && installed && is_fatal(sig))
		return signals_action(sig, &set, &old) == 0 ? old.sa_handler : SIG_ERR;
	return signals_shown(next(sig, handler));
}

static bool is_blocked(int sig)
{
	uint64_t mask = 0;

	sys_sigprocmask(SIG_BLOCK, NULL, &mask);
	return mask >> (sig - 1) & 1;
}

bool signals_before_sending(int sig)
{
	struct sigaction now;
	struct books *b;

	if (!installed || !is_fatal(sig) || real_get()->sigaction(sig, NULL, &now) != 0 ||
	    is_ours(&now) || now.sa_handler != SIG_DFL)
		return false;
	/* It may kill on the way out of the handler that sends it again (Node), or be taken
	 * by sigwait: ours is there if it comes. */
	if (is_blocked(sig)) {
		now = ours_for(&now);
		real_get()->sigaction(sig, &now, NULL);
		return false;
	}
	b = books_here();
	exit_by_signal(sig, NULL, b ? site_here(b) : 0);
	return true;
}
