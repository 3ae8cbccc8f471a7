/* SPDX-License-Identifier: MIT */
/* Ends by SIGTERM's default, with an alternate stack too small for any handler. */
#include <signal.h>
#include <stdlib.h>

int main(void)
{
	stack_t tiny = {.ss_sp = malloc(2048), .ss_size = 2048}; /* MINSIGSTKSZ of old */

	if (sigaltstack(&tiny, NULL))
		return 77;
	raise(SIGTERM);
	return 0;
}
