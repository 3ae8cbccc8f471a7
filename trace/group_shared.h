/* SPDX-License-Identifier: MIT */
/* Sockets that several processes hold; for group.c alone. */
#pragma once

#include "group.h"

/* The flags of a group_item. */
enum item_flag {
	ITEM_BY_EXIT = 1u << 0,
	ITEM_UNLEARNED = 1u << 1,
};

/* Leaves one item of each socket, and sorts the holders. */
void group_merge_shared(struct groups *groups);
