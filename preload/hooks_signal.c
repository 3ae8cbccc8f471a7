/* SPDX-License-Identifier: MIT */
/* Hooks of what sets and sends signals. */
#include "exit.h"
#include "hooks.h"
#include "lock.h"
#include "signals.h"
#include "sys.h"

CW_HOOK int sigaction(int sig, const struct sigaction *set, struct sigaction *old)
{
	return signals_action(sig, set, old);
}

CW_HOOK int __sigaction(int sig, const struct sigaction *set, struct sigaction *old)
{
	return signals_action(sig, set, old);
}

CW_HOOK sighandler_t signal(int sig, sighandler_t handler)
{
	return signals_handler(real_get()->signal, sig, handler, SA_RESTART);
}

CW_HOOK sighandler_t ssignal(int sig, sighandler_t handler)
{
	return signals_handler(real_get()->ssignal, sig, handler, SA_RESTART);
}

CW_HOOK sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return signals_handler(real_get()->bsd_signal, sig, handler, SA_RESTART);
}

CW_HOOK sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return signals_handler(real_get()->sysv_signal, sig, handler,
			       SA_INTERRUPT | SA_NODEFER | SA_RESETHAND);
}

CW_HOOK sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return signals_handler(real_get()->__sysv_signal, sig, handler,
			       SA_INTERRUPT | SA_NODEFER | SA_RESETHAND);
}

/* sigset also unblocks the signal, and answers SIG_HOLD where it was blocked: all of that
 * stays with libc, and ours is put in place afterwards. */
CW_HOOK sighandler_t sigset(int sig, sighandler_t handler)
{
	struct sigaction set = {.sa_handler = SIG_DFL};
	sighandler_t was = signals_shown(real_get()->sigset(sig, handler));

	if (handler == SIG_DFL && was != SIG_ERR)
		signals_action(sig, &set, NULL);
	return was;
}

/* libc's has told the kernel by itself, ours being what it found: what is left is that the
 * disposition has been touched. */
CW_HOOK int siginterrupt(int sig, int interrupt)
{
	int r = real_get()->siginterrupt(sig, interrupt);

	if (r == 0)
		signals_interrupting(sig, interrupt);
	return r;
}

CW_HOOK int sigaltstack(const stack_t *set, stack_t *old)
{
	int r = real_get()->sigaltstack(set, old);
	stack_t now;

	/* Asked of the kernel: `set` is the program's memory. */
	if (r == 0 && set && real_get()->sigaltstack(NULL, &now) == 0 &&
	    !(now.ss_flags & SS_DISABLE))
		signals_alternate(now.ss_size);
	return r;
}

/* Whoever sends itself a signal that kills does not come back. */
static int sent(bool ended, int r)
{
	if (ended)
		exit_not_yet();
	return r;
}

CW_HOOK int raise(int sig)
{
	bool ended = signals_before_sending(sig);

	return sent(ended, real_get()->raise(sig));
}

CW_HOOK int kill(pid_t pid, int sig)
{
	bool ended =
		sig && (pid == sys_getpid() || pid == 0) && signals_before_sending(sig);

	return sent(ended, real_get()->kill(pid, sig));
}

CW_HOOK int pthread_kill(pthread_t thread, int sig)
{
	bool ended = sig && thread == pthread_self() && signals_before_sending(sig);

	return sent(ended, real_get()->pthread_kill(thread, sig));
}
