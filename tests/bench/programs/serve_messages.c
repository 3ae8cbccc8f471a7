/* SPDX-License-Identifier: MIT */
/* Sends back each message of 64 bytes by itself: one recv and one send. */
#include "listener.h"

#define MESSAGE 64

static __attribute__((noinline)) void serve(int fd)
{
	char message[MESSAGE];

	for (;;) {
		ssize_t n = recv(fd, message, sizeof message, 0);

		if (n <= 0)
			break;
		must(send(fd, message, (size_t)n, 0) == n, "send");
	}
	must(!close(fd), "close");
}

int main(void)
{
	int listener = listen_and_tell();

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		must(fd >= 0, "accept");
		serve(fd);
	}
}
