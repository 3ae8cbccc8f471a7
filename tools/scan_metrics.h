/* SPDX-License-Identifier: MIT */
/* A scan for programs: as metrics of Prometheus, and as JSON. */
#pragma once

#include <jansson.h>

#include "scan.h"

/* As prometheus_write(). */
int scan_metrics_write(const struct scan *scan, const char *path);

/* docs/scan.schema.json is its form. A new reference; NULL: no memory. */
json_t *scan_json(const struct scan *scan);
