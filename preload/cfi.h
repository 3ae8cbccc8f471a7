/* SPDX-License-Identifier: MIT */
/*
 * Call frame information (DWARF 5, 6.4; as .eh_frame in the LSB): how the registers of a function's
 * caller are found while it stands at an instruction.
 *
 * The tables are a module's own, in its memory. They are read within its segments, and each
 * instruction once: what is broken is told to be, and does no harm. No lock, no system call, no
 * memory but the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfi_bytes.h"
#include "modules.h"

/* Numbers of the registers in DWARF (System V ABI of x86_64, DWARF for the Arm 64-bit
 * architecture). On x86_64 the return address has a number, too. */
#if defined(__x86_64__)
#define CFI_REGISTERS 17
#define CFI_FP        6
#define CFI_SP        7
#define CFI_RA        16
#else
#define CFI_REGISTERS 32
#define CFI_FP        29
#define CFI_SP        31
#define CFI_RA        30
#endif

enum cfi_rule {
	CFI_SAME,        /* not changed, or not told */
	CFI_UNDEFINED,   /* lost */
	CFI_AT_OFFSET,   /* in memory, `value` from the CFA */
	CFI_IS_OFFSET,   /* the CFA + `value` */
	CFI_IN_REGISTER, /* in that of the number `value` */
	CFI_AT_EXPRESSION, /* in memory; cfi_expression() gives the expression that says where */
	CFI_IS_EXPRESSION, /* what the expression says */
};

/* The rules at one instruction. The canonical frame address (CFA) is the stack pointer that the
 * caller had before the call. */
struct cfi_row {
	bool cfa_is_expression;
	bool return_signed; /* the return address bears a signature (aarch64) */
	uint8_t cfa_register;
	uint32_t told; /* bit n: rule[n] is another than CFI_SAME; else it is not set */
	uint8_t rule[CFI_REGISTERS];
	int32_t cfa; /* from the register, or the expression */
	int32_t value[CFI_REGISTERS];
};

/* Of a common information entry what concerns all its functions. */
struct cfi_common {
	struct cfi_bytes program;
	uint64_t code_align;
	int64_t data_align;
	uint32_t return_register;
	uint8_t encoding;   /* of the functions' addresses */
	bool has_data;      /* each function's entry has augmentation data */
	bool signal_return; /* what a signal handler returns to */
};

enum cfi_found {
	CFI_FOUND,
	CFI_NONE,   /* no function here that there is information of */
	CFI_BROKEN, /* it cannot be understood */
};

/* The rules at `pc`, which `m` holds: of a caller, the return address less one. */
enum cfi_found cfi_find(const struct module *m, uintptr_t pc, struct cfi_common *common,
			struct cfi_row *row);

/* What a row's expression consists of. */
struct cfi_bytes cfi_expression(const struct module *m, int32_t value);

/* For cfi_find(): executes the common program and then the function's, which begins at `start`, up
 * to `pc`. Expressions are told as distances from `base`. False: it cannot be understood. */
bool cfi_execute(const struct cfi_common *common, struct cfi_bytes program,
		 uintptr_t start, uintptr_t pc, uintptr_t base, struct cfi_row *row);
