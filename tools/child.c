/* SPDX-License-Identifier: MIT */
/* Starting, waiting for and ending like a child. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

#define NS_PER_S 1000000000ull

/* What is left alone: what cannot be caught, what the terminal stops jobs with, and faults. */
static const int not_ours[] = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGSEGV,
			       SIGBUS,  SIGILL,  SIGFPE,  SIGTRAP, SIGABRT, SIGPROF};

/* What we were started with, which is the child's. */
static sigset_t inherited;
static struct sigaction inherited_sigchld;

static sigset_t passed_on(void)
{
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(*not_ours); i++)
		sigdelset(&set, not_ours[i]);
	return set;
}

static uint64_t bit(int signal)
{
	return 1ull << (signal - 1);
}

/* In the child. What exec says goes through the pipe, which exec itself closes. */
static void become(char *const argv[], int report)
{
	int error;

	sigaction(SIGCHLD, &inherited_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &inherited, NULL);
	execvp(argv[0], argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(127);
	_exit(126);
}

int child_start(struct child *child, char *const argv[])
{
	sigset_t set = passed_on();
	int pipe_fds[2];
	int error = 0;

	*child = (struct child){0};
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return errno;
	/* Before the fork: a signal that comes now waits for us to pass it on. */
	sigprocmask(SIG_BLOCK, &set, &inherited);
	/* Ignored, it would not come, and the kernel would throw the child's status away. */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL},
		  &inherited_sigchld);
	child->pid = fork();
	if (child->pid == 0)
		become(argv, pipe_fds[1]);
	error = child->pid < 0 ? errno : 0;
	close(pipe_fds[1]);
	if (!error && read(pipe_fds[0], &error, sizeof(error)) > 0)
		waitpid(child->pid, NULL, 0);
	close(pipe_fds[0]);
	return error;
}

/* Of a process group's terminal the kernel sends to all of the group. */
static bool from_terminal(const siginfo_t *info)
{
	return info->si_code == SI_KERNEL;
}

static void pass_on(struct child *child, const siginfo_t *info)
{
	if (from_terminal(info)) {
		child->terminal |= bit(info->si_signo);
		return;
	}
	child->passed |= bit(info->si_signo);
	kill(child->pid, info->si_signo);
}

/* Whatever has ended, our child or an orphan that was left to us. Returns whether it was ours. */
static bool reap(struct child *child)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child->pid)
			continue;
		child->status = status;
		ended = true;
	}
	return ended;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* Waits for a signal until `end`. Returns it, or -1 with errno EAGAIN: it is time. */
static int wait_until(const sigset_t *set, siginfo_t *info, uint64_t end)
{
	uint64_t moment = now();
	uint64_t left = end > moment ? end - moment : 0;
	const struct timespec time = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};

	return sigtimedwait(set, info, &time);
}

/* SIGCONT, which we block, is still there: we have been stopped. */
static bool was_stopped(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

/* What came after a tick, or after we were stopped, may have come long ago. */
void child_wait(struct child *child, const struct ticker *ticker)
{
	sigset_t set = passed_on();
	uint64_t lived = now(); /* then it did */
	uint64_t next = ticker ? lived + ticker->period : 0;
	bool prompt = false;
	siginfo_t info;

	while (!reap(child)) {
		int signal =
			ticker ? wait_until(&set, &info, next) : sigwaitinfo(&set, &info);

		prompt = signal > 0 && signal != SIGCONT && !was_stopped();
		if (signal < 0 && errno == EAGAIN) {
			/* It is later by now if we were stopped just then. */
			lived = next;
			ticker->tick(ticker->context);
			next = now() + ticker->period;
		} else if (signal > 0 && signal != SIGCHLD) {
			pass_on(child, &info);
		}
	}
	child->ended = prompt ? now() : lived;
}

void child_end_alike(const struct child *child)
{
	struct rlimit none = {0};
	int signal = WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t only;

	if (!signal)
		exit(WEXITSTATUS(child->status));
	/* The core that matters is the child's. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	sigemptyset(&only);
	sigaddset(&only, signal);
	sigaction(signal, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	kill(getpid(), signal);
	/* Process 1 of a container is not ended by a signal. */
	exit(128 + signal);
}

bool child_failed(const struct child *child)
{
	uint64_t excused =
		child->passed | (child->terminal & (bit(SIGINT) | bit(SIGQUIT)));
	int signal = 0;

	if (WIFSIGNALED(child->status))
		signal = WTERMSIG(child->status);
	else if (WEXITSTATUS(child->status) > 128 &&
		 WEXITSTATUS(child->status) <= 128 + 64)
		signal = WEXITSTATUS(child->status) - 128;
	else
		return WEXITSTATUS(child->status) != 0;
	return !(excused & bit(signal));
}
