# SPDX-License-Identifier: MIT
# Runs children with subprocess (vfork from 3.10 on) while it holds connections: one whose
# EOF it has read and forgotten, one that it still uses. The children close all
# descriptors; nothing of that is the parent's.
import socket
import subprocess
import sys

s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(5)
print("listening on %s:%d" % s.getsockname())
sys.stdout.flush()
forgotten, _ = s.accept()
while forgotten.recv(100):
    pass
used, _ = s.accept()
for i in range(20):
    subprocess.check_call(["/bin/true"], close_fds=True)
used.sendall(used.recv(100))
print("served")
sys.stdout.flush()
sys.stdin.readline()
