/* SPDX-License-Identifier: MIT */
/*
 * Prints the unwind rules that preload/cfi.c finds in a file, for each address (in hexadecimal, as
 * in the file) of its standard input. A line is the CFA and the registers that are saved, by their
 * numbers, in the notation of readelf --debug-dump=frames-interp; "none" or "broken" where there are no
 * rules.
 *
 * Usage: cfi_rows FILE
 */
#include <stdio.h>

#include "preload/cfi.h"
#include "tests/unit/eh_image.h"

static void put_register(const struct cfi_row *row, unsigned i)
{
	switch (row->rule[i]) {
	case CFI_AT_OFFSET:
		printf(" %u=c%+d", i, row->value[i]);
		return;
	case CFI_IS_OFFSET:
		printf(" %u=v%+d", i, row->value[i]);
		return;
	case CFI_IN_REGISTER:
		printf(" %u=r%d", i, row->value[i]);
		return;
	case CFI_AT_EXPRESSION:
		printf(" %u=exp", i);
		return;
	case CFI_IS_EXPRESSION:
		printf(" %u=vexp", i);
		return;
	default: /* lost */
		return;
	}
}

static void put_row(const struct cfi_row *row)
{
	if (row->cfa_is_expression)
		printf("exp");
	else
		printf("r%u%+d", row->cfa_register, row->cfa);
	for (unsigned i = 0; i < CFI_REGISTERS; i++) {
		if (row->told >> i & 1)
			put_register(row, i);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct eh_image image;
	const char *error = argc == 2 ? eh_image_load(&image, argv[1]) : "is wanted";
	unsigned long address;

	if (error) {
		fprintf(stderr, "cfi_rows: the file %s\n", error);
		return 1;
	}
	while (scanf("%lx", &address) == 1) {
		struct cfi_common common;
		struct cfi_row row;
		enum cfi_found found = cfi_find(
			&image.module, image.module.base + address, &common, &row);

		if (found == CFI_FOUND)
			put_row(&row);
		else
			puts(found == CFI_NONE ? "none" : "broken");
	}
	eh_image_free(&image);
	return 0;
}
