# SPDX-License-Identifier: MIT
"""Starts programs that hold sockets in CLOSE_WAIT, and asks ss about them."""
import re
import subprocess

from traced import PYTHON, program, tool

NAMESPACE = ["unshare", "-n", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]


def holder(*arguments, prefix=()):
    """The argv of one that holds what the arguments say: see close_waits.py."""
    return list(prefix) + [PYTHON, program("close_waits.py")] + list(arguments)


def ready(one):
    """Waits until it holds all that it is to hold; returns the port it listens on."""
    return int(one.line(r"^ready (\d+)$").group(1))


def ss(pid=None):
    """What `ss -tanp` says of CLOSE_WAIT, in the network namespace of a process: a set of
    (pid, fd, queue, local, peer)."""
    command = [tool("ss"), "-Htanp", "state", "close-wait"]
    if pid:
        command = ["nsenter", "-t", str(pid), "-n"] + command
    out = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    found = set()
    for line in out.splitlines():
        queue, _, local, peer = line.split()[:4]
        for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line):
            found.add((int(pid), int(fd), int(queue), local, peer))
    return found


def by_pid(scan):
    return {process["pid"]: process for process in scan["processes"]}
