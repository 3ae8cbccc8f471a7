# SPDX-License-Identifier: MIT
# stuck_server.py repaired with try/finally, which Python 2.7 has too.
# The report must say nothing, and no file may be left.
# Usage: fixed_finally.py [PORT [CONNECTIONS]]; without CONNECTIONS it serves until ended.
import socket
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
connections = int(sys.argv[2]) if len(sys.argv) > 2 else None

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(5)
    print("listening on %s:%d" % s.getsockname())
    sys.stdout.flush()
    served = 0
    while connections is None or served < connections:
        conn, addr = s.accept()
        try:
            while True:
                data = conn.recv(1024)
                if not data:
                    break
                conn.sendall(data)
        finally:
            conn.close()
        served += 1
        print("served %d" % served)
        sys.stdout.flush()
finally:
    s.close()
