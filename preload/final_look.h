/* SPDX-License-Identifier: MIT */
/* The kernel's last word on every socket of a process that is about to end. */
#pragma once

#include "books.h"

void final_look(struct books *b);
