/* SPDX-License-Identifier: MIT */
/* Socket addresses as text: inet_ntop() is stdio underneath. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "text.h"

static void ipv4(const struct text_sink *sink, const uint8_t *ip)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			text_put(sink, ".");
		text_unsigned(sink, ip[i]);
	}
}

static unsigned group_of(const uint8_t *ip, int i)
{
	return (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
}

/* RFC 5952: the longest run of two or more zero groups becomes "::", the first if there
 * are two. */
static int longest_zeros(const uint8_t *ip, int *start)
{
	int best = 0;

	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group_of(ip, i + n) == 0)
			n++;
		if (n > best) {
			best = n;
			*start = i;
		}
	}
	return best >= 2 ? best : 0;
}

static void ipv6(const struct text_sink *sink, const uint8_t *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	int start = 0;
	int zeros = longest_zeros(ip, &start);

	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		text_put(sink, "::ffff:");
		ipv4(sink, ip + 12);
		return;
	}
	for (int i = 0; i < 8; i++) {
		if (zeros && i == start) {
			text_put(sink, "::");
			i += zeros - 1;
			continue;
		}
		if (i && !(zeros && i == start + zeros))
			text_put(sink, ":");
		text_hex(sink, group_of(ip, i), 1);
	}
}

void text_ip(const struct text_sink *sink, unsigned family, const uint8_t *ip,
	     unsigned port, uint32_t scope)
{
	if (family == AF_INET) {
		ipv4(sink, ip);
	} else if (family == AF_INET6) {
		text_put(sink, "[");
		ipv6(sink, ip);
		if (scope) {
			text_put(sink, "%");
			text_unsigned(sink, scope);
		}
		text_put(sink, "]");
	} else {
		text_put(sink, "?");
		return;
	}
	text_put(sink, ":");
	text_unsigned(sink, port);
}

void text_address(const struct text_sink *sink, const struct trace_view *view,
		  const struct cw_addr *address)
{
	const char *path;
	size_t size;

	if (address->family != AF_UNIX) {
		text_ip(sink, address->family, address->ip, address->port,
			address->scope);
		return;
	}
	path = trace_bytes(view, address->path, &size);
	text_put(sink, "unix:");
	if (size)
		text_foreign(sink, path, size);
	else
		text_put(sink, "(unnamed)");
}

const char *text_tcp_state(uint32_t state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV",
		[TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2",
		[TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSE",
		[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK",
		[TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};

	if (state >= sizeof(names) / sizeof(*names) || !names[state])
		return "?";
	return names[state];
}
