# SPDX-License-Identifier: MIT
# The well-behaved peer of the servers beside it: connects, sends 14 bytes, closes.
# Usage: client.py [PORT]
import socket
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
s = socket.create_connection(("127.0.0.1", port))
print("connected from %s:%d" % s.getsockname())
s.sendall(b"Hello, server!")
s.close()
