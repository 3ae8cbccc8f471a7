// SPDX-License-Identifier: MIT
// A C++ server with a thread for every worker, sockets closed by destructors, and requests
// that end in exceptions: a destructor's close() runs while an exception unwinds the stack.
// Clients are threads of the same process.
//
// Usage: cpp_server CONNECTIONS
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int workers = 3;

class Socket {
public:
	explicit Socket(int fd) : fd(fd)
	{
		if (fd < 0)
			throw std::runtime_error("no socket");
	}
	~Socket() { close(fd); }
	Socket(const Socket &) = delete;
	int fd;
};

struct Refused : std::runtime_error {
	using std::runtime_error::runtime_error;
};

std::atomic<int> answered, refused, clients_content;

[[gnu::noinline]] int parse(const std::string &text, int depth)
{
	if (depth)
		return parse(text, depth - 1) + 1;
	if (text.at(0) == 'x')
		throw Refused("not that");
	return std::stoi(text); // throws where it is no number
}

[[gnu::noinline]] std::string receive(const Socket &socket)
{
	char bytes[64];
	ssize_t n = recv(socket.fd, bytes, sizeof bytes, 0);

	return std::string(bytes, n > 0 ? static_cast<size_t>(n) : 0);
}

[[gnu::noinline]] void answer(const Socket &socket, const std::string &text)
{
	if (send(socket.fd, text.data(), text.size(), MSG_NOSIGNAL) < 0)
		throw std::runtime_error("send");
}

template <typename Handler> void guarded(const Socket &socket, Handler handler)
{
	try {
		handler();
	} catch (const Refused &error) {
		answer(socket, error.what());
		throw;
	}
}

[[gnu::noinline]] void serve_one(int listener)
{
	Socket socket(accept(listener, nullptr, nullptr));
	std::function<void()> handle = [&] {
		std::string request = receive(socket);

		answer(socket, std::to_string(parse(request, 7)));
		answered++;
	};

	guarded(socket, handle);
}

void serve(int listener, int connections)
{
	for (int i = 0; i < connections; i++) {
		try {
			serve_one(listener);
		} catch (const Refused &) {
			refused++;
		} catch (const std::logic_error &) {
			refused++;
		}
	}
}

void ask(const sockaddr_in &address, int i)
{
	static const char *const requests[] = {"42", "x42", "no number"};
	Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
	const std::string request = requests[i % 3];
	const auto *to = reinterpret_cast<const sockaddr *>(&address);
	std::string text;

	if (connect(socket.fd, to, sizeof address))
		throw std::runtime_error("connect");
	answer(socket, request);
	text = receive(socket);
	clients_content += text == (i % 3 == 0 ? "49" : i % 3 == 1 ? "not that" : "");
}

void use(const sockaddr_in &address, int connections)
{
	for (int i = 0; i < connections; i++)
		ask(address, i);
}

}

int main(int argc, char **argv)
{
	const int connections = argc > 1 ? std::atoi(argv[1]) : 30;
	Socket listener(socket(AF_INET, SOCK_STREAM, 0));
	sockaddr_in address{};
	socklen_t size = sizeof address;
	std::vector<std::thread> threads;

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener.fd, reinterpret_cast<sockaddr *>(&address), size) ||
	    listen(listener.fd, 64) ||
	    getsockname(listener.fd, reinterpret_cast<sockaddr *>(&address), &size))
		return 1;
	for (int i = 0; i < workers; i++) {
		threads.emplace_back(serve, listener.fd, connections);
		threads.emplace_back(use, address, connections);
	}
	for (auto &thread : threads)
		thread.join();
	std::printf("answered %d refused %d content %d\n", answered.load(), refused.load(),
		    clients_content.load());
}
