# SPDX-License-Identifier: MIT
# The stuck server that ends normally on Ctrl-C: the interpreter closes the leak at exit.
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen(5)
print("listening on %s:%d" % s.getsockname())
sys.stdout.flush()
conn, addr = s.accept()
data = conn.recv(1024)
print("received %d bytes" % len(data))
sys.stdout.flush()
try:
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted")
