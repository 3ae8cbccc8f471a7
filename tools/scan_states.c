/* SPDX-License-Identifier: MIT */
/* A table of names. */
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "scan_states.h"
#include "trace/text.h"

/* As ss(8) writes them. In TIME_WAIT and half made there is no socket to be held, and a closed
 * one is in no table. */
static const char *const names[] = {
	[TCP_ESTABLISHED] = "established", [TCP_SYN_SENT] = "syn-sent",
	[TCP_FIN_WAIT1] = "fin-wait-1",    [TCP_FIN_WAIT2] = "fin-wait-2",
	[TCP_CLOSE_WAIT] = "close-wait",   [TCP_LAST_ACK] = "last-ack",
	[TCP_LISTEN] = "listening",        [TCP_CLOSING] = "closing",
};

#define STATES (sizeof(names) / sizeof(*names))

const char *scan_state_name(uint32_t state)
{
	return state < STATES ? names[state] : NULL;
}

static uint32_t bit_of(const char *name, size_t size)
{
	for (uint32_t i = 0; i < STATES; i++)
		if (names[i] && strlen(names[i]) == size &&
		    memcmp(names[i], name, size) == 0)
			return 1u << i;
	return 0;
}

bool scan_states_parse(const char *text, uint32_t *states, const char **bad, size_t *size)
{
	*states = 0;
	for (const char *name = text;; name += *size + 1) {
		uint32_t bit;

		*size = strcspn(name, ",");
		bit = bit_of(name, *size);
		if (!bit) {
			*bad = name;
			return false;
		}
		*states |= bit;
		if (!name[*size])
			return true;
	}
}

void scan_states_put(const struct text_sink *sink, uint32_t states)
{
	const char *between = "";

	for (uint32_t i = 0; i < STATES; i++) {
		if (!(states & 1u << i))
			continue;
		text_put(sink, between);
		text_put(sink, text_tcp_state(i));
		between = " or ";
	}
}
