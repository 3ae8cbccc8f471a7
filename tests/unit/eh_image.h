/* SPDX-License-Identifier: MIT */
/* The call frame information of an ELF file, in a copy that may be spoilt. */
#pragma once

#include <stddef.h>

#include "preload/modules.h"

struct eh_image {
	struct module module; /* its base makes the file's addresses those of the copy */
	uint8_t *bytes;       /* of the one segment that has it, on the heap */
	size_t size;
};

/* NULL, or what is wrong with the file. */
const char *eh_image_load(struct eh_image *image, const char *path);
void eh_image_free(struct eh_image *image);

/* The `i`th function of the search table: where it begins, in the copy. */
uintptr_t eh_image_function(const struct eh_image *image, uint32_t i);
