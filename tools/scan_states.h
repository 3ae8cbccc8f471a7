/* SPDX-License-Identifier: MIT */
/* The states of TCP by the names that ss has for them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "trace/report.h"

/* "close-wait,last-ack" to bits as of struct diag_wanted. False: `text` has a name that is none
 * of a state in which a process can hold a socket; *bad says where it begins, *size how
 * long it is. */
bool scan_states_parse(const char *text, uint32_t *states, const char **bad,
		       size_t *size);

/* "close-wait"; NULL: none. */
const char *scan_state_name(uint32_t state);

/* "CLOSE_WAIT", "CLOSE_WAIT or LAST_ACK". */
void scan_states_put(const struct text_sink *sink, uint32_t states);
