/* SPDX-License-Identifier: MIT */
/* Sockets that several processes hold; for group.c alone. */
#pragma once

#include "group.h"

/* Takes an item out of the totals. */
void group_uncount(struct groups *groups, const struct group_item *item);

/* Leaves one item of each socket, and sorts the holders. */
void group_merge_shared(struct groups *groups);
