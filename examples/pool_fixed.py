# SPDX-License-Identifier: MIT
# pool_leak.py repaired: whatever the handler raises, the connection is closed.
# The report must say nothing.
# Python 3. Usage: pool_fixed.py [PORT]
import concurrent.futures
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            data = self.request.recv(1024)
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
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)


port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
server = PoolServer(("127.0.0.1", port), Echo)
print("listening on %s:%d" % server.server_address)
sys.stdout.flush()
server.serve_forever()
