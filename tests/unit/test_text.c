/* SPDX-License-Identifier: MIT */
/* The units and words of the report. */
#include <arpa/inet.h>
#include <string.h>

#include "trace/text.h"
#include "unit.h"

static char bytes[256];

static struct text_sink fresh(void)
{
	static struct text_buffer buffer;

	text_buffer_init(&buffer, bytes, sizeof(bytes));
	return text_buffer_sink(&buffer);
}

static void durations_are_cut_not_rounded(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 us"},
		{37900, "37 us"},
		{200000, "0.2 ms"},
		{1100000, "1.1 ms"},
		{3000000, "3 ms"},
		{149999999, "149 ms"},
		{4190000000, "4.1s"},
		{5000000000, "5s"},
		{59999999999, "59s"},
		{118000000000, "1m58s"},
		{125000000000, "2m05s"},
		{16260000000000, "4h31m"},
		{273600000000000, "3d04h"},
		{UINT64_MAX, "213503d23h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text_sink sink = fresh();

		text_duration(&sink, cases[i].ns);
		assert_string_equal(bytes, cases[i].text);
	}
}

static void sizes_have_binary_units(void **state)
{
	static const struct {
		uint64_t size;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{14, "14 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{1500, "1.4 KiB"},
		{3355443, "3.1 MiB"},
		{1ull << 50, "1024 TiB"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text_sink sink = fresh();

		text_size(&sink, cases[i].size);
		assert_string_equal(bytes, cases[i].text);
	}
}

static void numbers_of_every_size(void **state)
{
	struct text_sink sink = fresh();

	(void)state;
	text_unsigned(&sink, UINT64_MAX);
	text_put(&sink, " ");
	text_signed(&sink, INT64_MIN);
	text_put(&sink, " ");
	text_hex(&sink, 0, 1);
	text_put(&sink, " ");
	text_hex(&sink, 0x1a40e9, 8);
	text_put(&sink, " ");
	text_hex(&sink, UINT64_MAX, 1);
	text_unsigned_wide(&sink, 42, 5);
	assert_string_equal(bytes, "18446744073709551615 -9223372036854775808 0 001a40e9 "
				   "ffffffffffffffff   42");
}

static void put_ip6(const char *text, uint32_t scope)
{
	struct text_sink sink = fresh();
	uint8_t ip[16];

	assert_int_equal(inet_pton(AF_INET6, text, ip), 1);
	text_ip(&sink, AF_INET6, ip, 80, scope);
}

static void addresses_are_written_as_rfc_5952_says(void **state)
{
	static const char *const same[] = {
		"::1",
		"::",
		"fe80::1",
		"2001:db8::1:0:0:1",
		"2001:db8:0:1:1:1:1:1",
		"1::",
		"::ffff:10.0.0.5",
	};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		put_ip6(same[i], 0);
		strcpy(expected, "[");
		strcat(expected, same[i]);
		strcat(expected, "]:80");
		assert_string_equal(bytes, expected);
	}
	put_ip6("fe80::1", 2);
	assert_string_equal(bytes, "[fe80::1%2]:80");
}

static void ipv4_and_unknown_addresses(void **state)
{
	struct text_sink sink = fresh();
	const uint8_t ip[16] = {10, 0, 0, 5};

	(void)state;
	text_ip(&sink, AF_INET, ip, 8080, 0);
	text_put(&sink, " ");
	text_ip(&sink, 77, ip, 8080, 0);
	assert_string_equal(bytes, "10.0.0.5:8080 ?");
}

static void foreign_text_cannot_drive_a_terminal(void **state)
{
	struct text_sink sink = fresh();

	(void)state;
	text_foreign(&sink, "a\x1b[31mb\nc\x7f\xc3\xa9", 100);
	assert_string_equal(bytes, "a?[31mb?c?\xc3\xa9");
}

/* In UTF-8 a terminal takes U+009B for ESC [ too; U+202E turns what follows around. */
static void foreign_text_shows_whole_characters_only(void **state)
{
	static const struct {
		const char *string;
		const char *text;
	} cases[] = {
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a\xc2\x9b"
		 "2J",
		 "a??2J"},
		{"a\x9b"
		 "2J",
		 "a?2J"},
		{"\xe2\x80\xae"
		 "c.exe",
		 "???c.exe"},
		{"\xe2\x81\xa6", "???"},
		{"\xc0\x8a\xe0\x80\x8a", "?????"},           /* overlong */
		{"\xed\xa0\x80\xf4\x90\x80\x80", "???????"}, /* no code points */
		{"\xe2\x82", "??"},
		{"\xc3(", "?("},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text_sink sink = fresh();

		text_foreign(&sink, cases[i].string, 100);
		assert_string_equal(bytes, cases[i].text);
	}
}

static void foreign_text_ends_at_its_limit(void **state)
{
	struct text_sink sink = fresh();

	(void)state;
	text_foreign(&sink, "abcdef", 3);
	assert_string_equal(bytes, "abc");
	sink = fresh();
	text_foreign(&sink, "ab\xc3\xa9", 3);
	assert_string_equal(bytes, "ab?");
}

static void a_full_buffer_drops_and_remembers(void **state)
{
	char small[4];
	struct text_buffer buffer;
	struct text_sink sink;

	(void)state;
	text_buffer_init(&buffer, small, sizeof(small));
	sink = text_buffer_sink(&buffer);
	text_put(&sink, "ab");
	assert_false(buffer.cut);
	text_put(&sink, "cdef");
	assert_true(buffer.cut);
	assert_string_equal(small, "abc");
}

static void signals_and_errors_have_names(void **state)
{
	struct text_sink sink = fresh();

	(void)state;
	text_signal(&sink, 15);
	text_put(&sink, " ");
	text_signal(&sink, 65);
	text_put(&sink, " ");
	text_errno(&sink, 104);
	text_put(&sink, " ");
	text_errno(&sink, 9999);
	assert_string_equal(bytes, "SIGTERM signal 65 ECONNRESET error 9999");
}

static void one_is_not_plural(void **state)
{
	struct text_sink sink = fresh();

	(void)state;
	text_count(&sink, 1, "socket");
	text_put(&sink, ", ");
	text_count(&sink, 0, "socket");
	assert_string_equal(bytes, "1 socket, 0 sockets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_cut_not_rounded),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(numbers_of_every_size),
		cmocka_unit_test(addresses_are_written_as_rfc_5952_says),
		cmocka_unit_test(ipv4_and_unknown_addresses),
		cmocka_unit_test(foreign_text_cannot_drive_a_terminal),
		cmocka_unit_test(foreign_text_shows_whole_characters_only),
		cmocka_unit_test(foreign_text_ends_at_its_limit),
		cmocka_unit_test(a_full_buffer_drops_and_remembers),
		cmocka_unit_test(signals_and_errors_have_names),
		cmocka_unit_test(one_is_not_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
