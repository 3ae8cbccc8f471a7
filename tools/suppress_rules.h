/* SPDX-License-Identifier: MIT */
/* The rules of suppression files; for suppress*.c. */
#pragma once

#include "finding_names.h"

/* One line. */
struct rule {
	char *text;          /* "leak:foo", owned */
	const char *pattern; /* in `text`, behind the colon */
	const char *path;    /* the file, as the user named it */
	unsigned line;
	bool by_id;
	uint32_t id;
	struct finding_name name; /* unless by_id */
	uint64_t sockets;         /* suppressed when it was last applied */
	uint64_t faults;
};

struct suppressions {
	struct rule *rules;
	size_t count;
};

/* What a rule can be about: sockets of one cause, or a place of a fault. */
struct rule_subject {
	bool fault;
	enum fault_kind kind;
	bool leak;
	enum verdict verdict;
	uint32_t fingerprint;
};

static inline bool rule_is_about(const struct rule *rule,
				 const struct rule_subject *subject)
{
	if (subject->fault)
		return !rule->by_id && rule->name.class == FINDING_FAULT &&
		       rule->name.value == subject->kind;
	if (rule->by_id)
		return rule->id == subject->fingerprint;
	return (rule->name.class == FINDING_LEAK && subject->leak) ||
	       (rule->name.class == FINDING_VERDICT &&
		rule->name.value == subject->verdict);
}
