/* SPDX-License-Identifier: MIT */
/* Standard error while a screen is shown: what is said is said afterwards. */
#pragma once

struct held_back {
	int error; /* the real one; -1: nothing is held back */
	int file;
};

void held_back_begin(struct held_back *held);
/* Says it, each line once, and as much as is of use. */
void held_back_end(struct held_back *held);
