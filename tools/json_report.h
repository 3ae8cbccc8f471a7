/* SPDX-License-Identifier: MIT */
/*
 * The report as JSON: docs/json-report.md says what is in it, docs/report.schema.json which
 * form it has.
 *
 * Owns nothing behind its return. The command alone uses it: it allocates.
 */
#pragma once

#include "run_facts.h"
#include "session.h"
#include "trace/findings.h"

/* All of it is the caller's. */
struct json_request {
	struct findings *findings; /* NULL: the session has no process left */
	const struct session *session;
	const struct report_options *options;
	const struct symbolizer *symbolizer;
	const struct run_facts *run; /* NULL: nothing is known beside the traces */
	const char *name; /* of the session, where it has no trace to name it */
	bool fails;       /* a gate is closed */
};

/* Writes it to `path`, "-" being standard output. A file is there whole or not at all, and an
 * old one stays until then. Returns 0, or -1 after one line on standard error. */
int json_report(const struct json_request *request, const char *path);
