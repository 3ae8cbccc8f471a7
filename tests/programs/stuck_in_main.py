# SPDX-License-Identifier: MIT
# The stuck server in a function: on Ctrl-C its frame lets go of the leak, just before the exit.
import socket
import sys


def main():
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


try:
    main()
except KeyboardInterrupt:
    print("interrupted")
