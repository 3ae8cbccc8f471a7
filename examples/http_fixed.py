# SPDX-License-Identifier: MIT
# http_leak.py repaired: the handler waits until the client has left, in a thread of its own, and the
# server closes the connection.
# The report must say nothing.
# Python 3. Usage: http_fixed.py [PORT]
import http.server
import socketserver
import sys

streams = []


class Events(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        streams.append(self.wfile)
        try:
            while self.rfile.readline():
                pass
        finally:
            streams.remove(self.wfile)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
server = Server(("127.0.0.1", port), Events)
print("listening on %s:%d" % server.server_address)
sys.stdout.flush()
server.serve_forever()
