/* SPDX-License-Identifier: MIT */
/*
 * As daemons do: closes all descriptors from FROM on, after it has used sockets, then
 * echoes on the lowest numbers that are free. A connection whose first byte is 'k' is kept
 * when its EOF is read, and so leaks; any other is closed. The port is written to
 * PORT_FILE, once all is ready.
 *
 * Usage: closes_all loop|close_range|closefrom FROM PORT_FILE
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>

#include "loopback.h"

static void use_sockets(void)
{
	struct pair pair = pair_open();
	char byte = 'x';

	must(send(pair.client, &byte, 1, 0) == 1, "send");
	must(recv(pair.server, &byte, 1, 0) == 1, "recv");
	must(!close(pair.client), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	/* The rest is closed with everything else. */
}

static void close_each(int from)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = from; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

static int close_all(const char *way, int from)
{
	if (!strcmp(way, "loop"))
		close_each(from);
	else if (!strcmp(way, "close_range"))
		return close_range((unsigned)from, ~0u, 0);
	else
		closefrom(from);
	return 0;
}

static int listen_anywhere(struct sockaddr_in *address)
{
	socklen_t size = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)address, size) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)address, &size))
		_exit(3);
	return fd;
}

static void tell(const char *path, int port)
{
	char temporary[512], text[16];
	int fd;

	snprintf(temporary, sizeof temporary, "%s.new", path);
	snprintf(text, sizeof text, "%d", port);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    close(fd) || rename(temporary, path))
		_exit(4);
}

static void echo(int fd)
{
	char bytes[4096], first = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0) {
		first = first ? first : bytes[0];
		for (ssize_t done = 0; done < n;) {
			ssize_t sent = write(fd, bytes + done, (size_t)(n - done));

			if (sent < 0)
				_exit(5);
			done += sent;
		}
	}
	if (first != 'k')
		close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	int listener;

	if (argc < 4)
		return 2;
	use_sockets();
	if (close_all(argv[1], atoi(argv[2])))
		return 77;
	listener = listen_anywhere(&address);
	tell(argv[3], ntohs(address.sin_port));
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(6);
		echo(fd);
	}
}
