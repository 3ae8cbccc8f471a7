# SPDX-License-Identifier: MIT
# A socketserver whose requests a pool of threads serves. A client that leaves without "quit" raises in
# the handler, and then nobody calls shutdown_request(): the future keeps the exception, the
# exception its frames, and those the connection.
# The report must say: one leak for each such client, eof-ignored, EOF read in handle() below.
# Python 3. Usage: pool_leak.py [PORT]
import concurrent.futures
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            data = self.request.recv(1024)  # EOF is read here
            if not data:
                raise EOFError("%s:%d left" % self.client_address)
            if data == b"quit\n":
                return
            self.request.sendall(data)


class PoolServer(socketserver.TCPServer):
    allow_reuse_address = True
    pool = concurrent.futures.ThreadPoolExecutor(4)
    served = []

    def process_request(self, request, client_address):
        self.served.append(self.pool.submit(self.serve, request, client_address))

    def serve(self, request, client_address):
        self.finish_request(request, client_address)  # an exception skips the next line
        self.shutdown_request(request)


port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
server = PoolServer(("127.0.0.1", port), Echo)
print("listening on %s:%d" % server.server_address)
sys.stdout.flush()
server.serve_forever()
