/* SPDX-License-Identifier: MIT */
/*
 * The one list of what the library puts itself in front of.
 *
 * Each name is exported by the library, has a body of its own in a hooks_*.c, and a
 * pointer to the function behind it in `real`. A test holds this list against the
 * library's symbol table.
 */
#pragma once

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rare.h"

/* Exported by libc, declared by no header or only under other feature macros. */
ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
		       struct sockaddr *addr, socklen_t *addr_size);
int pidfd_getfd(int pidfd, int target, unsigned flags);
ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
char *__fgets_chk(char *to, size_t room, int size, FILE *file);
char *__fgets_unlocked_chk(char *to, size_t room, int size, FILE *file);
size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file);
size_t __fread_unlocked_chk(void *to, size_t room, size_t size, size_t count, FILE *file);
int _IO_getc(FILE *file);
int __uflow(FILE *file);
ssize_t __getdelim(char **line, size_t *room, int end, FILE *file);
int __isoc99_fscanf(FILE *file, const char *format, ...);
int __isoc99_vfscanf(FILE *file, const char *format, va_list ap);
int __isoc23_fscanf(FILE *file, const char *format, ...); /* glibc 2.38 */
int __isoc23_vfscanf(FILE *file, const char *format, va_list ap);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t room);
int epoll_pwait2(int epoll, struct epoll_event *events, int room,
		 const struct timespec *timeout, const sigset_t *mask); /* glibc 2.35 */
int __clone(int (*f)(void *), void *stack, int flags, void *argument, ...);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);

/* Of stdio. */
#define HOOK_LIST_STDIO            \
	HOOK(fgets)                \
	HOOK(fgets_unlocked)       \
	HOOK(__fgets_chk)          \
	HOOK(__fgets_unlocked_chk) \
	HOOK(fread)                \
	HOOK(fread_unlocked)       \
	HOOK(__fread_chk)          \
	HOOK(__fread_unlocked_chk) \
	HOOK(fgetc)                \
	HOOK(getc)                 \
	HOOK(_IO_getc)             \
	HOOK(fgetc_unlocked)       \
	HOOK(getc_unlocked)        \
	HOOK(__uflow)              \
	HOOK(getline)              \
	HOOK(getdelim)             \
	HOOK(__getdelim)           \
	HOOK(__isoc99_vfscanf)     \
	HOOK(__isoc99_fscanf)      \
	HOOK(__isoc23_vfscanf)     \
	HOOK(__isoc23_fscanf)      \
	HOOK(vfscanf)              \
	HOOK(fscanf)

#define HOOK_LIST            \
	HOOK_LIST_STDIO      \
	HOOK(socket)         \
	HOOK(socketpair)     \
	HOOK(accept)         \
	HOOK(accept4)        \
	HOOK(connect)        \
	HOOK(listen)         \
	HOOK(shutdown)       \
	HOOK(recv)           \
	HOOK(recvfrom)       \
	HOOK(recvmsg)        \
	HOOK(recvmmsg)       \
	HOOK(read)           \
	HOOK(readv)          \
	HOOK(preadv2)        \
	HOOK(preadv64v2)     \
	HOOK(__recv_chk)     \
	HOOK(__recvfrom_chk) \
	HOOK(__read_chk)     \
	HOOK(send)           \
	HOOK(sendto)         \
	HOOK(sendmsg)        \
	HOOK(sendmmsg)       \
	HOOK(write)          \
	HOOK(writev)         \
	HOOK(pwritev2)       \
	HOOK(pwritev64v2)    \
	HOOK(sendfile)       \
	HOOK(sendfile64)     \
	HOOK(splice)         \
	HOOK(poll)           \
	HOOK(__poll_chk)     \
	HOOK(ppoll)          \
	HOOK(__ppoll_chk)    \
	HOOK(epoll_wait)     \
	HOOK(epoll_pwait)    \
	HOOK(epoll_pwait2)   \
	HOOK(epoll_create)   \
	HOOK(epoll_create1)  \
	HOOK(epoll_ctl)      \
	HOOK(close)          \
	HOOK(close_range)    \
	HOOK(closefrom)      \
	HOOK(dup)            \
	HOOK(dup2)           \
	HOOK(dup3)           \
	HOOK(fcntl)          \
	HOOK(fcntl64)        \
	HOOK(fdopen)         \
	HOOK(fclose)         \
	HOOK(dlclose)        \
	HOOK(pidfd_getfd)    \
	HOOK(unshare)        \
	HOOK(syscall)        \
	HOOK(prctl)          \
	HOOK(vfork)          \
	HOOK(fork)           \
	HOOK(daemon)         \
	HOOK(clone)          \
	HOOK(__clone)        \
	HOOK(_exit)          \
	HOOK(_Exit)          \
	HOOK(execve)         \
	HOOK(execv)          \
	HOOK(execvp)         \
	HOOK(execvpe)        \
	HOOK(execl)          \
	HOOK(execlp)         \
	HOOK(execle)         \
	HOOK(fexecve)        \
	HOOK(execveat)       \
	HOOK(sigaction)      \
	HOOK(__sigaction)    \
	HOOK(signal)         \
	HOOK(ssignal)        \
	HOOK(bsd_signal)     \
	HOOK(sysv_signal)    \
	HOOK(__sysv_signal)  \
	HOOK(sigset)         \
	HOOK(sigaltstack)    \
	HOOK(siginterrupt)   \
	HOOK(raise)          \
	HOOK(kill)           \
	HOOK(pthread_kill)

/* The functions behind ours: libc's, or those of the next library that interposes. A name
 * that this libc lacks is NULL. Filled by real_init(), constant afterwards. */
struct real {
#define HOOK(name) __typeof__(name) *name;
	HOOK_LIST
#undef HOOK
};

/* Of clone()'s flags: the child has our descriptors, but memory of its own. */
static inline bool clone_shares_files_alone(unsigned long flags)
{
	return (flags & (CLONE_FILES | CLONE_VM)) == CLONE_FILES;
}

extern struct real real;
extern _Atomic int real_ready;

/* Resolves all names. Takes the loader's lock for the lookups; allocates nothing
 * (glibc 2.34 and later; what a later one brought must be among real.c's newcomers). Idempotent;
 * two threads that race write the same values. */
RARE void real_init(void);

/* For use at the top of a hook: another library's constructor may call it before ours
 * runs. (What looks a descriptor up has done it.) */
static inline const struct real *real_get(void)
{
	if (__builtin_expect(!real_ready, 0))
		real_init();
	return &real;
}

#define CW_HOOK __attribute__((visibility("default")))
