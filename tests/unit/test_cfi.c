/* SPDX-License-Identifier: MIT */
/* Call frame information that is broken, and expressions: under the sanitizers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "eh_image.h"
#include "preload/cfi_expression.h"
#include "unit.h"

#define ROUNDS 300000

/* What the unwinder asks of the rest of the library. */
enum module_memory modules_memory(uintptr_t at)
{
	(void)at;
	return MODULE_NONE;
}

const struct module *modules_find(uintptr_t pc)
{
	(void)pc;
	return NULL;
}

void known_log_word(struct known_log *log, uintptr_t address, uintptr_t value)
{
	(void)log;
	(void)address;
	(void)value;
}

void known_log_other(struct known_log *log)
{
	(void)log;
}

bool known_on_stack(uintptr_t low, uintptr_t address)
{
	return address - low < 64 << 20;
}

static uint64_t chance = 1;

/* xorshift64 (Marsaglia). The same each time. */
static uint64_t draw(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % below;
}

static uintptr_t stack_words[512];

/* A frame whose registers point into the stack, or nowhere. */
static struct frame frame_at(uintptr_t pc, struct stack_memory *memory)
{
	struct frame f = {.pc = pc, .exact = true, .memory = memory};

	stack_memory_begin(memory, (uintptr_t)stack_words, NULL);
	for (unsigned i = 0; i < CFI_REGISTERS; i++) {
		f.places[i].kind = (enum place_kind)draw(4);
		f.places[i].value =
			draw(8) ? (uintptr_t)&stack_words[draw(512)] : draw(UINT64_MAX);
	}
	f.places[CFI_SP] =
		(struct frame_place){PLACE_VALUE, (uintptr_t)&stack_words[draw(256)]};
	return f;
}

/* So many bytes of a function's entry, or of the table, become others, and what they were is kept. */
struct damage {
	unsigned count;
	uint8_t *at[6];
	uint8_t was[6];
};

static void spoil(struct eh_image *image, uintptr_t near, struct damage *d)
{
	d->count = (unsigned)draw(6);
	for (unsigned i = 0; i < d->count; i++) {
		uint8_t *at = (uint8_t *)near + draw(96);

		if (at < image->bytes || at >= image->bytes + image->size)
			at = image->bytes + draw(image->size);
		d->at[i] = at;
		d->was[i] = *at;
		*at = draw(2) ? (uint8_t)draw(256) : (uint8_t)(*at ^ 1u << draw(8));
	}
}

static void repair(const struct damage *d)
{
	for (unsigned i = d->count; i-- > 0;)
		*d->at[i] = d->was[i];
}

static struct eh_image image_of_libc(void)
{
	struct eh_image image;
	Dl_info info;

	assert_true(dladdr((void *)(uintptr_t)dlsym(RTLD_NEXT, "strtoul"), &info));
	if (eh_image_load(&image, info.dli_fname))
		assert_null(eh_image_load(&image, "/proc/self/exe"));
	return image;
}

static void test_spoilt_tables_do_no_harm(void **state)
{
	struct eh_image image = image_of_libc();
	unsigned steps[3] = {0}, rows[3] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof stack_words / sizeof *stack_words; i++)
		stack_words[i] =
			draw(3) ? (uintptr_t)&stack_words[draw(512)] : draw(1ull << 47);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t which = (uint32_t)draw(image.module.table_count);
		uintptr_t pc = eh_image_function(&image, which) + draw(64);
		uintptr_t entry = module_function(&image.module, pc).entry;
		struct stack_memory memory;
		struct damage damage;
		struct cfi_common common;
		struct cfi_row row;
		struct frame f = frame_at(pc, &memory);

		/* The CIE is most often the first of the section, which lies behind the table. */
		spoil(&image,
		      draw(4) ? entry
			      : image.module.table + image.module.table_count * 8ul,
		      &damage);
		rows[cfi_find(&image.module, pc, &common, &row)]++;
		steps[frame_step(&f, &image.module)]++;
		repair(&damage);
	}
	/* Some were understood all the same, and some not. */
	assert_true(rows[CFI_FOUND] > ROUNDS / 10 && rows[CFI_BROKEN] > ROUNDS / 100);
	assert_true(steps[FRAME_CALLER] > ROUNDS / 100 &&
		    steps[FRAME_LOST] > ROUNDS / 100);
	eh_image_free(&image);
}

static void test_nothing_is_read_beyond_a_segment(void **state)
{
	struct eh_image image = image_of_libc();
	struct module *m = &image.module;
	unsigned found[3] = {0};

	(void)state;
	for (int i = 0; i < ROUNDS / 10; i++) {
		uint32_t which = (uint32_t)draw(m->table_count);
		uintptr_t pc = eh_image_function(&image, which) + draw(64);
		uintptr_t entry = module_function(m, pc).entry;
		/* The address sanitizer poisons eight bytes at a time. */
		uintptr_t cut = (entry + draw(64)) & ~7ul;
		uintptr_t end = (uintptr_t)image.bytes + image.size;
		struct cfi_common common;
		struct cfi_row row;

		m->readable[0].high = cut;
		__asan_poison_memory_region((void *)cut, end - cut);
		found[cfi_find(m, pc, &common, &row)]++;
		__asan_unpoison_memory_region((void *)cut, end - cut);
		m->readable[0].high = end;
	}
	assert_true(found[CFI_FOUND] > 0 && found[CFI_BROKEN] > 0);
	eh_image_free(&image);
}

static void test_pointers_in_all_forms(void **state)
{
	static const struct {
		uint8_t encoding, size;
		uintptr_t value;
	} forms[] = {
		{0x00, 8, 0x8877665544332281},
		{0x01, 2, 0x1101},
		{0x02, 2, 0x2281},
		{0x03, 4, 0x44332281},
		{0x04, 8, 0x8877665544332281},
		{0x09, 2, 0x1101},
		{0x0a, 2, 0x2281},
		{0x0b, 4, 0x44332281},
		{0x0c, 8, 0x8877665544332281},
	};
	_Alignas(8) static const uint8_t bytes[] = {0x81, 0x22, 0x33, 0x44, 0x55,
						    0x66, 0x77, 0x88, 0x99};
	struct cfi_bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		b = (struct cfi_bytes){.at = bytes, .end = bytes + 8};
		assert_int_equal(cfi_pointer(&b, forms[i].encoding), forms[i].value);
		assert_ptr_equal(b.at, bytes + forms[i].size);
		b = (struct cfi_bytes){.at = bytes, .end = bytes + 8};
		assert_int_equal(cfi_pointer(&b, forms[i].encoding | 0x10),
				 forms[i].value + (uintptr_t)bytes);
		b = (struct cfi_bytes){.at = bytes, .end = bytes + forms[i].size - 1};
		cfi_pointer(&b, forms[i].encoding);
		assert_true(b.bad && b.at == b.end);
	}
	b = (struct cfi_bytes){.at = bytes + 1, .end = bytes + 9};
	cfi_pointer(&b, 0x50); /* the next aligned word is not there */
	assert_true(b.bad);
	b = (struct cfi_bytes){.at = bytes, .end = bytes + 8};
	cfi_pointer(&b, 0x3b); /* relative to data */
	assert_true(b.bad);
}

#define BYTES(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})
#define CFA        0x1000

/* Begun with the CFA. Registers hold 100 times their number. */
static const struct {
	uint8_t bytes[24];
	size_t size;
	bool ok;
	uintptr_t value;
} expressions[] = {
	{BYTES(0x96), true, CFA}, /* nop */
	{BYTES(0x03, 1, 2, 3, 4, 5, 6, 7, 8), true, 0x807060504030201},
	{BYTES(0x08, 0xff), true, 255},  /* const1u */
	{BYTES(0x09, 0xff), true, -1ul}, /* const1s */
	{BYTES(0x0a, 0xfe, 0xff), true, 0xfffe},
	{BYTES(0x0b, 0xfe, 0xff), true, -2ul},
	{BYTES(0x0c, 0xfe, 0xff, 0xff, 0xff), true, 0xfffffffe},
	{BYTES(0x0d, 0xfe, 0xff, 0xff, 0xff), true, -2ul},
	{BYTES(0x10, 0x81, 0x01), true, 129},        /* constu */
	{BYTES(0x11, 0x7f), true, -1ul},             /* consts */
	{BYTES(0x12, 0x22), true, 2 * CFA},          /* dup plus */
	{BYTES(0x31, 0x13), true, CFA},              /* lit1 drop */
	{BYTES(0x31, 0x14, 0x1c), true, 1 - CFA},    /* lit1 over minus */
	{BYTES(0x31, 0x32, 0x15, 2), true, CFA},     /* pick */
	{BYTES(0x31, 0x16, 0x1c), true, 1 - CFA},    /* swap minus */
	{BYTES(0x31, 0x32, 0x17, 0x13), true, CFA},  /* rot: 2 below, CFA */
	{BYTES(0x09, 0xfb, 0x19), true, 5},          /* abs */
	{BYTES(0x3f, 0x35, 0x1a), true, 5},          /* and */
	{BYTES(0x09, 0xf8, 0x32, 0x1b), true, -4ul}, /* div */
	{BYTES(0x31, 0x30, 0x1b), false, 0},         /* by 0 */
	{BYTES(0x31, 0x30, 0x1d), false, 0},
	{BYTES(0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09, 0xff, 0x1b), false, 0},
	{BYTES(0x37, 0x33, 0x1d), true, 1},         /* mod */
	{BYTES(0x37, 0x33, 0x1e), true, 21},        /* mul */
	{BYTES(0x37, 0x1f), true, -7ul},            /* neg */
	{BYTES(0x37, 0x20), true, ~7ul},            /* not */
	{BYTES(0x38, 0x31, 0x21), true, 9},         /* or */
	{BYTES(0x23, 0x80, 0x01), true, CFA + 128}, /* plus_uconst */
	{BYTES(0x31, 0x33, 0x24), true, 8},         /* shl */
	{BYTES(0x31, 0x08, 64, 0x24), true, 0},
	{BYTES(0x38, 0x32, 0x25), true, 2},          /* shr */
	{BYTES(0x09, 0xf8, 0x32, 0x26), true, -2ul}, /* shra */
	{BYTES(0x09, 0xf8, 0x08, 200, 0x26), true, -1ul},
	{BYTES(0x3f, 0x35, 0x27), true, 10},              /* xor */
	{BYTES(0x31, 0x31, 0x29), true, 1},               /* eq */
	{BYTES(0x31, 0x09, 0xff, 0x2a), true, 1},         /* 1 >= -1 */
	{BYTES(0x31, 0x32, 0x2b), true, 0},               /* 1 > 2 */
	{BYTES(0x31, 0x31, 0x2c), true, 1},               /* 1 <= 1 */
	{BYTES(0x09, 0xff, 0x30, 0x2d), true, 1},         /* -1 < 0 */
	{BYTES(0x31, 0x32, 0x2e), true, 1},               /* ne */
	{BYTES(0x31, 0x28, 1, 0, 0x30, 0x96), true, CFA}, /* bra over lit0 */
	{BYTES(0x30, 0x28, 1, 0, 0x35), true, 5},         /* bra not taken */
	{BYTES(0x2f, 1, 0, 0x30), true, CFA},             /* skip */
	{BYTES(0x2f, 0xfd, 0xff), false, 0},              /* skip to itself */
	{BYTES(0x2f, 2, 0, 0x30), false, 0},              /* out of it */
	{BYTES(0x2f, 0xfc, 0xff), false, 0},
	{BYTES(0x74, 0x7c), true, 396},       /* breg4 - 4 */
	{BYTES(0x92, 0x04, 0x04), true, 404}, /* bregx */
	{BYTES(0x92, 0x80, 0x01, 0), false, 0},
	{BYTES(0x13, 0x13), false, 0},             /* nothing to drop */
	{BYTES(0x13), false, 0},                   /* nothing left */
	{BYTES(0x12, 0x2f, 0xfc, 0xff), false, 0}, /* ever deeper */
	{BYTES(0x06), false, 0},                   /* nothing there */
	{BYTES(0x94, 9), false, 0},
	{BYTES(0x10, 0x80), false, 0}, /* cut short */
	{BYTES(0x50), false, 0},       /* reg0: no value */
	{BYTES(0xff), false, 0},
};

static void test_expressions(void **state)
{
	struct stack_memory memory;
	struct frame f = {.memory = &memory};
	uintptr_t cfa = CFA, value;

	(void)state;
	stack_memory_begin(&memory, (uintptr_t)stack_words, NULL);
	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		f.places[i] = (struct frame_place){PLACE_VALUE, i * 100};
	for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
		/* On the heap, for the sanitizer. */
		uint8_t *bytes = malloc(expressions[i].size);
		struct cfi_bytes b = {.at = bytes, .end = bytes + expressions[i].size};
		bool ok;

		memcpy(bytes, expressions[i].bytes, expressions[i].size);
		ok = cfi_evaluate(b, &f, &cfa, &value);
		free(bytes);
		if (ok != expressions[i].ok || (ok && value != expressions[i].value))
			fail_msg("expression %zu: %d %#lx", i, ok, value);
	}
}

/* deref and deref_size of words that are there. */
static void test_expressions_read_the_stack(void **state)
{
	static const uint8_t deref[] = {0x06}, bytes[] = {0x94, 2};
	struct cfi_bytes b = {.at = deref, .end = deref + sizeof deref};
	struct stack_memory memory;
	struct frame f = {.memory = &memory};
	uintptr_t at = (uintptr_t)&stack_words[5], value;

	(void)state;
	stack_words[5] = 0x123456789;
	stack_memory_begin(&memory, (uintptr_t)stack_words, NULL);
	assert_true(cfi_evaluate(b, &f, &at, &value));
	assert_int_equal(value, 0x123456789);
	b = (struct cfi_bytes){.at = bytes, .end = bytes + sizeof bytes};
	assert_true(cfi_evaluate(b, &f, &at, &value));
	assert_int_equal(value, 0x6789);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoilt_tables_do_no_harm),
		cmocka_unit_test(test_nothing_is_read_beyond_a_segment),
		cmocka_unit_test(test_pointers_in_all_forms),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_expressions_read_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
