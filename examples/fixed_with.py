# SPDX-License-Identifier: MIT
# stuck_server.py repaired with `with`: every way out of the block closes the connection.
# The report must say nothing, and no file may be left.
# Usage: fixed_with.py [PORT [CONNECTIONS]]; without CONNECTIONS it serves until ended.
import socket
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 65432
connections = int(sys.argv[2]) if len(sys.argv) > 2 else None

with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(5)
    print("listening on %s:%d" % s.getsockname())
    sys.stdout.flush()
    served = 0
    while connections is None or served < connections:
        conn, addr = s.accept()
        with conn:
            while True:
                data = conn.recv(1024)
                if not data:
                    break
                conn.sendall(data)
        served += 1
        print("served %d" % served)
        sys.stdout.flush()
