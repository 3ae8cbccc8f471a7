# SPDX-License-Identifier: MIT
# The stuck server whose SIGTERM handler calls sys.exit(0).
import signal
import socket
import sys

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen(5)
print("listening on %s:%d" % s.getsockname())
sys.stdout.flush()
conn, addr = s.accept()
data = conn.recv(1024)
print("received %d bytes" % len(data))
sys.stdout.flush()
while True:
    pass
