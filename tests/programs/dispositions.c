/* SPDX-License-Identifier: MIT */
/*
 * Sets signals in one of the ways there are and prints what each call answered, and
 * afterwards all that can be read of every signal: handler, flags and mask.
 *
 * Usage: dispositions WAY; without one it lists them
 */
#include <errno.h>
#include <signal.h>

#include "loopback.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

typedef void (*handler_t)(int);

handler_t bsd_signal(int sig, handler_t handler);
handler_t __sysv_signal(int sig, handler_t handler);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);

static void one(int signal)
{
	(void)signal;
}

static void other(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

static const char *name(handler_t handler)
{
	if (handler == SIG_DFL)
		return "default";
	if (handler == SIG_IGN)
		return "ignored";
	if (handler == SIG_ERR)
		return "error";
	if (handler == SIG_HOLD)
		return "held";
	return handler == one                        ? "one"
	       : handler == (handler_t)(void *)other ? "other"
						     : "unknown";
}

static void print(const struct sigaction *a)
{
	printf("%s flags %x mask", name(a->sa_handler), a->sa_flags);
	for (int sig = 1; sig < 65; sig++) {
		if (sigismember(&a->sa_mask, sig) == 1)
			printf(" %d", sig);
	}
	printf("\n");
}

static void print_all(const char *when)
{
	sigset_t blocked;

	for (int sig = -1; sig < 67; sig++) {
		struct sigaction a = {0};

		errno = 0;
		printf("%s: %d: ", when, sig);
		if (sigaction(sig, NULL, &a))
			printf("errno %d\n", errno);
		else
			print(&a);
	}
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	print(&(struct sigaction){.sa_mask = blocked});
}

static const int sigs[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGUSR1, SIGUSR2,
			   SIGPIPE, SIGALRM, SIGXCPU, SIGABRT,  SIGSEGV, SIGBUS,
			   SIGILL,  SIGFPE,  SIGCHLD, SIGWINCH, SIGXFSZ, SIGKILL,
			   SIGSTOP, 0,       64,      65};

#define COUNT (sizeof sigs / sizeof *sigs)

static void set_by_sigaction(int (*set)(int, const struct sigaction *,
					struct sigaction *),
			     const char *what, handler_t handler, int flags)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
		struct sigaction old = {0};

		sigaddset(&a.sa_mask, SIGUSR1);
		sigaddset(&a.sa_mask, SIGTERM);
		errno = 0;
		printf("%s %s %d: %d errno %d was ", what, name(handler), sigs[i],
		       set(sigs[i], &a, &old), errno);
		print(&old);
	}
	print_all(what);
}

static void set_by(handler_t (*set)(int, handler_t), const char *what, handler_t handler)
{
	for (size_t i = 0; i < COUNT; i++) {
		const char *was;

		errno = 0;
		was = name(set(sigs[i], handler));
		printf("%s %s %d: %s errno %d\n", what, name(handler), sigs[i], was,
		       errno);
	}
	print_all(what);
}

static void set_by_each(handler_t (*set)(int, handler_t), const char *what)
{
	set_by(set, what, one);
	set_by(set, what, SIG_DFL);
	set_by(set, what, SIG_IGN);
	set_by(set, what, SIG_DFL);
}

static void set_flags(int (*set)(int, const struct sigaction *, struct sigaction *),
		      const char *what)
{
	static const int flags[] = {0, SA_ONSTACK, SA_RESTART, SA_NODEFER,
				    SA_ONSTACK | SA_RESTART | SA_NOCLDSTOP};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		set_by_sigaction(set, what, one, flags[i] | SA_RESETHAND);
		set_by_sigaction(set, what, SIG_DFL, flags[i]);
		set_by_sigaction(set, what, (handler_t)(void *)other,
				 flags[i] | SA_SIGINFO);
		set_by_sigaction(set, what, SIG_IGN, flags[i]);
		set_by_sigaction(set, what, SIG_DFL, flags[i]);
	}
}

static void set_and_interrupt(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		errno = 0;
		printf("siginterrupt %d: %d errno %d\n", sigs[i],
		       siginterrupt(sigs[i], 1), errno);
	}
	print_all("siginterrupt");
}

/* sigset also holds signals back and lets them through. */
static void set_by_holding(void)
{
	set_by(sigset, "sigset", SIG_HOLD);
	set_by(sigset, "sigset", SIG_HOLD);
	set_by(sigset, "sigset", SIG_DFL);
	for (size_t i = 0; i < COUNT; i++) {
		errno = 0;
		printf("sighold %d: %d errno %d\n", sigs[i], sighold(sigs[i]), errno);
		printf("sigrelse %d: %d errno %d\n", sigs[i], sigrelse(sigs[i]), errno);
		printf("sigignore %d: %d errno %d\n", sigs[i], sigignore(sigs[i]), errno);
	}
	set_by(sigset, "sigset", SIG_DFL);
}

static void interrupt_then_signal(void)
{
	for (size_t i = 0; i < COUNT; i++)
		siginterrupt(sigs[i], 1);
	print_all("interrupted");
	set_by(signal, "signal", one);
	set_by(signal, "signal", SIG_DFL);
	print_all("default again");
	for (size_t i = 0; i < COUNT; i++)
		siginterrupt(sigs[i], 0);
	set_by(signal, "signal", SIG_DFL);
	print_all("not interrupted");
}

/* The handler is gone after its first signal. */
static void reset_by_signal(void)
{
	struct sigaction a = {.sa_handler = one, .sa_flags = SA_RESETHAND};

	for (size_t i = 0; i < COUNT; i++) {
		if (sigaction(sigs[i], &a, NULL) == 0)
			printf("raise %d: %d\n", sigs[i], raise(sigs[i]));
	}
	print_all("raised");
	set_by(signal, "signal", SIG_DFL);
}

/* What these flags do they do to a handler; here there is none. */
static void set_flags_of_no_handler(void)
{
	set_by_sigaction(sigaction, "sigaction", SIG_DFL, SA_RESETHAND);
	set_by_sigaction(sigaction, "sigaction", SIG_DFL, SA_SIGINFO);
	set_by_sigaction(sigaction, "sigaction", SIG_DFL,
			 SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
}

static void only_look(void)
{
	print_all("at first");
}

static void by_sigaction(void)
{
	set_flags(sigaction, "sigaction");
}

static void by_sigaction_alias(void)
{
	set_flags(__sigaction, "__sigaction");
}

static void by_signal(void)
{
	set_by_each(signal, "signal");
}

static void by_ssignal(void)
{
	set_by_each(ssignal, "ssignal");
}

static void by_bsd_signal(void)
{
	set_by_each(bsd_signal, "bsd_signal");
}

static void by_sysv_signal(void)
{
	set_by_each(sysv_signal, "sysv_signal");
}

static void by_sysv_signal_alias(void)
{
	set_by_each(__sysv_signal, "__sysv_signal");
}

static void by_sigset(void)
{
	set_by_each(sigset, "sigset");
}

static const struct {
	const char *name;
	void (*set)(void);
} ways[] = {
	{"look", only_look},
	{"sigaction", by_sigaction},
	{"__sigaction", by_sigaction_alias},
	{"flags_of_no_handler", set_flags_of_no_handler},
	{"signal", by_signal},
	{"ssignal", by_ssignal},
	{"bsd_signal", by_bsd_signal},
	{"sysv_signal", by_sysv_signal},
	{"__sysv_signal", by_sysv_signal_alias},
	{"sigset", by_sigset},
	{"holding", set_by_holding},
	{"siginterrupt", set_and_interrupt},
	{"siginterrupt_signal", interrupt_then_signal},
	{"reset_by_signal", reset_by_signal},
};

int main(int argc, char **argv)
{
	close(socket(AF_INET, SOCK_STREAM, 0));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (argc < 2)
			printf("%s\n", ways[i].name);
		else if (!strcmp(argv[1], ways[i].name))
			ways[i].set();
	}
	return 0;
}
