/* SPDX-License-Identifier: MIT */
/* C++ names, where libstdc++ is there to undo them. */
#include <dlfcn.h>
#include <string.h>

#include "tools/demangle.h"
#include "unit.h"

static void names_of_c_stay_as_they_are(void **state)
{
	struct demangler *demangler = demangler_new();
	const char *name = "read_request.part.0";

	(void)state;
	assert_ptr_equal(demangle(demangler, name), name);
	assert_string_equal(demangle(demangler, ""), "");
	demangler_free(demangler);
}

static void names_of_cpp_are_undone_once(void **state)
{
	struct demangler *demangler = demangler_new();
	const char *first;
	char again[] = "_ZN2ns1fESt6vectorIiSaIiEE";

	(void)state;
	if (!dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL))
		skip();
	first = demangle(demangler, "_ZN2ns1fESt6vectorIiSaIiEE");
	assert_string_equal(first, "ns::f(std::vector<int, std::allocator<int> >)");
	assert_ptr_equal(demangle(demangler, again), first);
	assert_string_equal(demangle(demangler, "_Z1fi.part.0"),
			    "f(int) [clone .part.0]");
	demangler_free(demangler);
}

static void what_cannot_be_undone_stays(void **state)
{
	struct demangler *demangler = demangler_new();
	char too_long[5000] = "_Z";

	(void)state;
	memset(too_long + 2, 'P', sizeof(too_long) - 3);
	assert_string_equal(demangle(demangler, "_Z"), "_Z");
	assert_string_equal(demangle(demangler, "_ZN2"), "_ZN2");
	assert_ptr_equal(demangle(demangler, too_long), too_long);
	assert_string_equal(demangle(NULL, "_Z1fi"), "_Z1fi");
	demangler_free(demangler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_c_stay_as_they_are),
		cmocka_unit_test(names_of_cpp_are_undone_once),
		cmocka_unit_test(what_cannot_be_undone_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
