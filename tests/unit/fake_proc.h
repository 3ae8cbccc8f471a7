/* SPDX-License-Identifier: MIT */
/* A directory that looks like /proc, and a table of sockets to go with it. */
#pragma once

#include "tools/scan.h"

#define FAKE_ROWS 16

struct fake {
	char root[32];
	int proc; /* descriptor of `root` */
	struct diag_socket rows[FAKE_ROWS];
	uint64_t netns[FAKE_ROWS];
	size_t count;
	unsigned queries;       /* that were made */
	uint64_t refused_netns; /* -EPERM */
	enum unlisted unlisted; /* what every unlisted socket is */
	void (*step)(struct fake *fake, enum scan_step step, pid_t pid);
};

#define FAKE_NETNS 4026531840ull

void fake_init(struct fake *fake);
void fake_clear(struct fake *fake);

/* Sockets at descriptors 3 and on; `inodes` ends with 0. */
void fake_process(const struct fake *fake, pid_t pid, uint64_t start, uint64_t netns,
		  const uint64_t *inodes);
/* It ends: the directory is gone, what had it open still has it. */
void fake_end(const struct fake *fake, pid_t pid);
/* Who may read its descriptors. */
void fake_fd_mode(const struct fake *fake, pid_t pid, unsigned mode);

/* In CLOSE_WAIT for 5 to 6 s, its receive queue as the kernel counts it. */
struct diag_socket *fake_socket(struct fake *fake, uint64_t inode, uint32_t queue);
/* The kernel lists it no more. */
void fake_unlist(struct fake *fake, uint64_t inode);

int fake_scan(struct fake *fake, struct scan *scan, const struct scan_request *request);
