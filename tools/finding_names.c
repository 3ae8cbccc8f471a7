/* SPDX-License-Identifier: MIT */
/* Finding the names of findings. */
#include <string.h>

#include "finding_names.h"
#include "trace/text.h"

static const char leak[] = "leak";

static bool is_word(const char *name, const char *word, size_t size)
{
	return strlen(name) == size && memcmp(name, word, size) == 0;
}

bool finding_name_find(const char *word, size_t size, struct finding_name *name)
{
	if (is_word(leak, word, size)) {
		*name = (struct finding_name){.class = FINDING_LEAK};
		return true;
	}
	for (unsigned i = 0; i < VERDICT_CLOSED; i++) {
		if (!is_word(verdict_name((enum verdict)i), word, size))
			continue;
		*name = (struct finding_name){.class = FINDING_VERDICT, .value = i};
		return true;
	}
	for (unsigned i = 0; i < FAULT_KINDS; i++) {
		if (!is_word(fault_name((enum fault_kind)i), word, size))
			continue;
		*name = (struct finding_name){.class = FINDING_FAULT, .value = i};
		return true;
	}
	return false;
}

void finding_names_put(const struct text_sink *sink)
{
	text_put(sink, leak);
	for (unsigned i = 0; i < VERDICT_CLOSED; i++) {
		text_put(sink, ", ");
		text_put(sink, verdict_name((enum verdict)i));
	}
	for (unsigned i = 0; i < FAULT_KINDS; i++) {
		text_put(sink, ", ");
		text_put(sink, fault_name((enum fault_kind)i));
	}
}
