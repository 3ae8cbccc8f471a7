/* SPDX-License-Identifier: MIT */
/* Looks for a call before an address. */
#include "after_call.h"

#if defined(__x86_64__)
/* call rel32; and call r/m64, FF /2, of which the forms of the operand are so long (Intel's manual,
 * volume 2). A prefix before them does not matter. */
bool after_call(const struct module *m, uintptr_t pc)
{
	static const uint8_t lengths[] = {2, 3, 4, 6, 7};
	const uint8_t *end = (const uint8_t *)pc;

	if (!module_executes(m, pc - 7, 7))
		return false;
	if (end[-5] == 0xe8)
		return true;
	for (unsigned i = 0; i < sizeof lengths; i++) {
		const uint8_t *at = end - lengths[i];

		if (at[0] == 0xff && (at[1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}
#else
/* bl; and blr, with its relatives that authenticate (Arm's manual, C6.2). */
bool after_call(const struct module *m, uintptr_t pc)
{
	uint32_t word;

	if (!module_executes(m, pc - sizeof word, sizeof word))
		return false;
	__builtin_memcpy(&word, (const void *)(pc - sizeof word), sizeof word);
	return (word & 0xfc000000) == 0x94000000 || (word & 0xfefff000) == 0xd63f0000;
}
#endif
