/* SPDX-License-Identifier: MIT */
/* DWARF expressions, as call frame information has them. */
#pragma once

#include "frame.h"

/* Evaluates the expression in the frame. `cfa` lies on its stack at first; NULL: nothing does.
 * False: it reads what cannot be read, is broken, or does not come to an end soon. */
bool cfi_evaluate(struct cfi_bytes expression, struct frame *f, const uintptr_t *cfa,
		  uintptr_t *result);
