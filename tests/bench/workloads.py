# SPDX-License-Identifier: MIT
"""What is served, and the load on it. Never one message in flight: waking up hides all else."""
import subprocess

from places import program


def run_load(name, *arguments):
    subprocess.run([program(name)] + [str(a) for a in arguments], check=True, timeout=300)


class Workload:
    """argv(place, port): the server. load(port, operations): puts that many to it, and returns
    how many were done."""
    name = ""
    operations = 0  # in one slice
    tells_port = True
    forks = False

    def lacks(self):
        """Why it cannot be run here, or None."""
        return None


class Connections(Workload):
    """Connections, 16 at a time; the server is one of our own."""

    def __init__(self, name, server, operations, forks=False):
        self.name = name
        self.server = server
        self.operations = operations
        self.forks = forks

    def argv(self, place, port):
        return [program(self.server)]

    def load(self, port, operations):
        run_load("load_connections", port, operations, 16, "finish")
        return operations


class Messages(Workload):
    """64 bytes each way, 16 in flight on one connection."""
    name = "messages"
    operations = 100000

    def argv(self, place, port):
        return [program("serve_messages")]

    def load(self, port, operations):
        run_load("load_messages", port, 1, 16, operations, 1)
        return operations


ALL = [
    Connections("short", "serve_short", 15000),
    Messages(),
    Connections("fork", "serve_forks", 2000, forks=True),
    Connections("threads", "serve_threads", 10000),
]
