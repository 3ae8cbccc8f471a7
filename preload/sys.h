/* SPDX-License-Identifier: MIT */
/*
 * System calls made by the library itself.
 *
 * They go to the kernel directly: libc's wrappers would lead back into our own hooks, set
 * the program's errno, and be cancellation points. Each returns what the kernel returned:
 * a result, or -errno. Callable from everywhere, signal handlers and vfork children
 * included.
 */
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "no system call instruction known for this architecture"
#endif
}

#define sys_call(n, a, b, c, d) \
	sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static inline int sys_open(const char *path, int flags, mode_t mode)
{
	return (int)sys_call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static inline int sys_close(int fd)
{
	return (int)sys_call(SYS_close, fd, 0, 0, 0);
}

static inline ssize_t sys_read(int fd, void *to, size_t size)
{
	return sys_call(SYS_read, fd, to, size, 0);
}

static inline ssize_t sys_write(int fd, const void *from, size_t size)
{
	return sys_call(SYS_write, fd, from, size, 0);
}

static inline int sys_fstat(int fd, struct stat *st)
{
#if defined(__x86_64__)
	return (int)sys_call(SYS_fstat, fd, st, 0, 0);
#else
	return (int)sys_call(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
#endif
}

static inline pid_t sys_getpid(void)
{
	return (pid_t)sys_call(SYS_getpid, 0, 0, 0, 0);
}

static inline pid_t sys_gettid(void)
{
	return (pid_t)sys_call(SYS_gettid, 0, 0, 0, 0);
}

/* NULL where mmap fails, so that callers need not know MAP_FAILED from -errno. */
/* At `wish` if there is room. NULL: it failed. */
static inline void *sys_mmap_near(void *wish, size_t size, int prot, int flags, int fd)
{
	long at = sys6(SYS_mmap, (long)wish, (long)size, prot, flags, fd, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

static inline void *sys_mmap(size_t size, int prot, int flags, int fd)
{
	return sys_mmap_near(NULL, size, prot, flags, fd);
}

static inline int sys_munmap(void *at, size_t size)
{
	return (int)sys_call(SYS_munmap, at, size, 0, 0);
}

static inline int sys_madvise(void *at, size_t size, int advice)
{
	return (int)sys_call(SYS_madvise, at, size, advice, 0);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value,
				 socklen_t *size)
{
	return (int)sys6(SYS_getsockopt, fd, level, name, (long)value, (long)size, 0);
}

static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
	return (int)sys_call(SYS_rt_sigprocmask, how, set, old, sizeof *set);
}

static inline int sys_poll(struct pollfd *fds, unsigned count, int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	return (int)sys6(SYS_ppoll, (long)fds, count, (long)(ms < 0 ? NULL : &t), 0, 8,
			 0);
}

static inline void sys_sleep_ms(int ms)
{
	sys_poll(NULL, 0, ms);
}
