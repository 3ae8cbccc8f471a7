# SPDX-License-Identifier: MIT
# Accepts, reads once, never closes: the report must say 1 leak, eof-unread (see below).
import socket, sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 65432))
s.listen(5)
print("listening on %s:%d" % s.getsockname())
sys.stdout.flush()
conn, addr = s.accept()
print("connection from %s:%d" % addr)

data = conn.recv(1024)
print("received %d bytes" % len(data))
sys.stdout.flush()

# The client closes now. Nobody reads its end-of-file and nobody calls conn.close().
while True:
    pass

# What the report must say, whatever ends this program: one leak, `eof-unread`, from the
# accept above; the first read is the recv above; the peer is the client's address, and
# its FIN is as old as the client's close. The listening socket is no leak.
