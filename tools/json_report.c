/* SPDX-License-Identifier: MIT */
/* The report as JSON: its parts, one after the other. */
#include "json_report.h"
#include "complain.h"
#include "json_file.h"
#include "json_parts.h"

#define SCHEMA 1

static json_t *make(const struct json_report *report)
{
	json_t *root =
		json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema", SCHEMA, "session",
			  json_session(report), "processes", json_processes(report),
			  "summary", json_summary(report), "groups", json_groups(report));

	json_put_sites(report, &root);
	json_put(&root, "faults", json_faults(report));
	return root;
}

int json_report(const struct json_request *request, const char *path)
{
	AUTO_JSON json_t *stacks = json_object();
	AUTO_JSON json_t *root = NULL;
	struct json_report report = {
		.request = request,
		.groups = request->findings ? &request->findings->groups : NULL,
		.stacks = stacks,
	};

	if (stacks)
		root = make(&report);
	if (!root) {
		complain(path, "no memory for the report");
		return -1;
	}
	return json_file_write(root, path);
}
