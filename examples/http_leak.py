# SPDX-License-Identifier: MIT
# An http.server whose handler keeps the connection for events that come later: it takes it away from
# the server, which would close it after the request, and from then on nobody reads it.
# The report must say: one leak for each client that left, eof-unread; the first write is
# end_headers() in do_GET() below.
# Python 3. Usage: http_leak.py [PORT]
import http.server
import socket
import sys

streams = []


class Events(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()  # the first write
        streams.append(socket.socket(fileno=self.connection.detach()))

    def log_message(self, *_):
        pass


port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
server = http.server.HTTPServer(("127.0.0.1", port), Events)
print("listening on %s:%d" % server.server_address)
sys.stdout.flush()
server.serve_forever()
