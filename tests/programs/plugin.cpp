// SPDX-License-Identifier: MIT
// A plugin that throws and catches.
#include <stdexcept>
#include <string>

namespace {

struct Counted {
	explicit Counted(int &count) : count(count) {}
	~Counted() { count++; }
	Counted(const Counted &) = delete;
	int &count;
};

[[gnu::noinline]] void fail(int depth, int &unwound)
{
	Counted counted(unwound);

	if (depth == 0)
		throw std::runtime_error("deep inside");
	fail(depth - 1, unwound);
	asm volatile("");
}

}

// How many destructors ran on the way of `times` exceptions.
extern "C" __attribute__((visibility("default"))) int plugin_run(int times)
{
	int unwound = 0;

	for (int i = 0; i < times; i++) {
		try {
			fail(9, unwound);
		} catch (const std::runtime_error &error) {
			if (error.what() != std::string("deep inside"))
				return -1;
		}
	}
	return unwound;
}
