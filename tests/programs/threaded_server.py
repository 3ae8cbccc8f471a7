# SPDX-License-Identifier: MIT
# A thread for each connection; some handlers end in an exception. Ends at end of input.
import socket
import socketserver
import sys
import threading


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.answer(line.split(), 5)

    def answer(self, words, depth):
        if depth:
            return self.answer(words, depth - 1)
        self.wfile.write(b"%d\n" % sum(int(word) for word in words))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        request.sendall(b"no\n")


with Server(("127.0.0.1", 0), Handler) as server:
    print("listening on %s:%d" % server.server_address)
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    sys.stdin.readline()
    server.shutdown()
