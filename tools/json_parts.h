/* SPDX-License-Identifier: MIT */
/*
 * The parts of the JSON report; not for anybody but json_*.c.
 *
 * Each function that returns a value returns a new reference, or NULL if there is no memory.
 */
#pragma once

#include "json_report.h"
#include "json_value.h"
#include "trace/siblings.h"

struct json_report {
	const struct json_request *request;
	struct groups *groups; /* NULL: the session has no process left */
	json_t *stacks; /* owned: lists of frames by the stack's hash; shared by all
				  who name one */
};

/* A list of frames; null if there is no stack. */
json_t *json_stack(const struct json_report *report, const struct subject *subject,
		   cw_ref site);

/* "accept": how a process comes to hold a socket. */
json_t *json_origin(unsigned origin);
/* The members that a dwell is told by go into *object. max: ns; 0: it is not known. */
void json_put_dwell(json_t **object, const _Atomic uint32_t dwell[CW_DWELL_BUCKETS],
		    uint64_t max);
/* Of a place. The dwell of what only the exit closed was counted with the others': then none is
 * told. */
void json_put_siblings_dwell(const struct json_report *report, json_t **object,
			     const struct siblings *siblings);

json_t *json_session(const struct json_report *report);
json_t *json_processes(const struct json_report *report);
json_t *json_summary(const struct json_report *report);
json_t *json_groups(const struct json_report *report);
/* At most a page of the group's sockets, the oldest first. */
json_t *json_sockets(const struct json_report *report, const struct group *group);
/* The way of the group's oldest socket through the processes of the session. */
json_t *json_history(const struct json_report *report, const struct group *group);
/* `sites` and `sites_omitted` go into *root. */
void json_put_sites(const struct json_report *report, json_t **root);
json_t *json_faults(const struct json_report *report);
