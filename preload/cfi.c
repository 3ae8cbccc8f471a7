/* SPDX-License-Identifier: MIT */
/* Finds a function's call frame information and takes its entries apart. */
#include "cfi.h"

/* Of one entry, far above the longest known; nothing but a broken length is longer. */
#define ENTRY_MAX (16u << 20)

uintptr_t cfi_pointer(struct cfi_bytes *b, uint8_t encoding)
{
	uintptr_t here = (uintptr_t)b->at, value;

	if ((encoding & CFI_RELATIVE) == CFI_ALIGNED) {
		cfi_skip(b, -here & (sizeof here - 1));
		return cfi_unsigned(b, sizeof here);
	}
	switch (encoding & CFI_FORM) {
	case 0x00: /* a word */
	case 0x04:
	case 0x0c:
		value = cfi_unsigned(b, sizeof value);
		break;
	case 0x01:
		value = cfi_uleb(b);
		break;
	case 0x02:
		value = cfi_unsigned(b, 2);
		break;
	case 0x03:
		value = cfi_unsigned(b, 4);
		break;
	case 0x09:
		value = (uintptr_t)cfi_sleb(b);
		break;
	case 0x0a:
		value = (uintptr_t)cfi_signed(b, 2);
		break;
	case 0x0b:
		value = (uintptr_t)cfi_signed(b, 4);
		break;
	default:
		cfi_fail(b);
		return 0;
	}
	if ((encoding & CFI_RELATIVE) == CFI_PCREL)
		return value + here;
	if (encoding & CFI_RELATIVE)
		cfi_fail(b);
	return value;
}

/* The bytes of the entry at `at`, behind its length. */
static struct cfi_bytes entry_at(const struct module *m, uintptr_t at)
{
	struct cfi_bytes b = {.bad = true};
	uint32_t short_size;
	uint64_t size;

	if (!module_holds(m, at, sizeof short_size))
		return b;
	__builtin_memcpy(&short_size, (const void *)at, sizeof short_size);
	at += sizeof short_size;
	size = short_size;
	if (short_size == UINT32_MAX) { /* and then a long one */
		if (!module_holds(m, at, sizeof size))
			return b;
		__builtin_memcpy(&size, (const void *)at, sizeof size);
		at += sizeof size;
	}
	if (size > ENTRY_MAX || !module_holds(m, at, size))
		return b;
	return (struct cfi_bytes){.at = (const uint8_t *)at,
				  .end = (const uint8_t *)at + size};
}

/* Takes what the letters of the augmentation stand for (LSB; gcc's and Arm's S and B). */
static void take_augmentation(struct cfi_bytes *b, const char *letters,
			      struct cfi_common *common)
{
	struct cfi_bytes data;

	if (letters[0] != 'z') {
		if (letters[0])
			cfi_fail(b); /* of unknown length */
		return;
	}
	common->has_data = true;
	data = cfi_block(b);
	while (*++letters && !data.bad) {
		switch (*letters) {
		case 'R':
			common->encoding = cfi_u8(&data);
			break;
		case 'L':
			cfi_u8(&data);
			break;
		case 'P': {
			uint8_t encoding = cfi_u8(&data);

			if ((encoding & CFI_RELATIVE) != CFI_ALIGNED)
				encoding &= CFI_FORM; /* whatever it is relative to */
			cfi_pointer(&data, encoding);
			break;
		}
		case 'S':
			common->signal_return = true;
			break;
		case 'B': /* signed with the other key */
		case 'G': /* tags memory */
			break;
		default:
			return; /* what follows is of no known length, but the rules are */
		}
	}
	if (data.bad)
		cfi_fail(b);
}

static bool take_common(const struct module *m, uintptr_t at, struct cfi_common *common)
{
	struct cfi_bytes b = entry_at(m, at);
	const char *letters;
	uint8_t version;

	*common = (struct cfi_common){.encoding = CFI_ABSOLUTE};
	if (cfi_unsigned(&b, 4) != 0)
		return false; /* a function's entry */
	version = cfi_u8(&b);
	letters = (const char *)b.at;
	while (cfi_u8(&b))
		;
	if (b.bad || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4)
		cfi_skip(&b, 2); /* sizes of addresses and of segments */
	common->code_align = cfi_uleb(&b);
	common->data_align = cfi_sleb(&b);
	common->return_register = version == 1 ? cfi_u8(&b) : (uint32_t)cfi_uleb(&b);
	take_augmentation(&b, letters, common);
	common->program = b;
	return !b.bad && common->return_register < CFI_REGISTERS;
}

enum cfi_found cfi_find(const struct module *m, uintptr_t pc, struct cfi_common *common,
			struct cfi_row *row)
{
	uintptr_t at = module_function(m, pc).entry;
	struct cfi_bytes b;
	uintptr_t here, start, size;

	if (!at)
		return CFI_NONE;
	b = entry_at(m, at);
	here = (uintptr_t)b.at;
	if (!take_common(m, here - cfi_unsigned(&b, 4), common) || b.bad)
		return CFI_BROKEN;
	start = cfi_pointer(&b, common->encoding);
	size = cfi_pointer(&b, common->encoding & CFI_FORM);
	if (common->has_data)
		cfi_block(&b);
	if (b.bad || common->encoding & CFI_INDIRECT)
		return CFI_BROKEN;
	if (pc - start >= size)
		return CFI_NONE;
	return cfi_execute(common, b, start, pc, m->eh_frame_hdr, row) ? CFI_FOUND
								       : CFI_BROKEN;
}

struct cfi_bytes cfi_expression(const struct module *m, int32_t value)
{
	/* When it was executed, the whole block was seen to be there. */
	struct cfi_bytes b = {
		.at = (const uint8_t *)(m->eh_frame_hdr + (uintptr_t)(intptr_t)value),
	};

	b.end = b.at + ENTRY_MAX;
	return cfi_block(&b);
}
