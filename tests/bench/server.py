# SPDX-License-Identifier: MIT
"""One server that runs under one thing, for as long as it is measured."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import cpu

PATIENCE = 60  # seconds
LONGEST = 0.5  # seconds that a slice may take
FEWEST = 32    # operations in a slice


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("waited %d s for %s" % (PATIENCE, what))
        time.sleep(0.002)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    """Started under `against`; `workload` says how, and on which port it listens."""

    def __init__(self, workload, against):
        self.workload = workload
        self.against = against
        self.operations = workload.operations if workload.fixed else \
            workload.operations // against.slow
        self.place = tempfile.mkdtemp(prefix="closewait-bench-")
        os.chmod(self.place, 0o755)  # for servers that drop their privileges
        self.port = 0 if workload.tells_port else free_port()
        argv = against.prefix + workload.argv(self.place, self.port)
        with open(os.path.join(self.place, "stderr"), "wb") as err:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                cwd=self.place, env=against.environment(os.path.join(self.place, "traces")))
        if workload.tells_port:
            self.port = int(self.line())
        else:
            until(lambda: self.ended() or accepts(self.port), workload.name + " to listen")
            until(lambda: self.ended() or workload.ready(cpu.tree(self.process.pid)),
                  workload.name + "'s worker")

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.process.wait()
            self.ended()
        return text.decode()

    def ended(self):
        """Raises with what it said if it is no more."""
        if self.process.poll() is None:
            return False
        with open(os.path.join(self.place, "stderr"), errors="replace") as f:
            raise RuntimeError("%s under %s ended: %s" % (
                self.workload.name, self.against.name, f.read()[-2000:]))

    def itself(self):
        """The server's own pid: strace is its parent."""
        pids = cpu.tree(self.process.pid)
        return pids[1] if self.against.needs == "strace" else pids[0]

    def worker(self):
        """The process that serves."""
        return self.itself() if self.workload.forks else cpu.tree(self.process.pid)[-1]

    def cpu(self):
        """ns so far, of a server that is at rest."""
        if not self.workload.forks:
            return cpu.of_tree(self.process.pid)
        itself = self.itself()
        until(lambda: not cpu.children(itself), "the children to end")
        os.kill(itself, signal.SIGUSR1)
        return int(self.line()) + cpu.of_tree(self.process.pid)

    def measure(self, share=1):
        """ns of CPU for each operation, over a slice of its operations, or a share of it."""
        operations = self.operations
        if not self.workload.fixed:
            operations = max(int(operations * share), FEWEST)
        with self.against.attached(self.worker()):
            before = self.cpu()
            done = self.workload.load(self.port, operations)
            return (self.cpu() - before) / done

    def warm_up(self):
        """A first slice, and fewer operations from then on where they take long."""
        begun = time.monotonic()
        self.measure(0.3)
        took = (time.monotonic() - begun) / 0.3
        if took > LONGEST and not self.workload.fixed:
            self.operations = max(int(self.operations * LONGEST / took), FEWEST)

    def end(self):
        pids = cpu.tree(self.process.pid)
        for pid in reversed(pids):
            try:
                os.kill(pid, signal.SIGKILL if pid != pids[0] else signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.place, ignore_errors=True)
