# SPDX-License-Identifier: MIT
"""What a server is measured under: the library, nothing, and what else one could take."""
import contextlib
import os
import shutil
import subprocess

from places import BUILD, HERE, LIBRARY


class Against:
    """One way to run a server."""

    def __init__(self, name, prefix=(), preload="", slow=1, needs=None, options=""):
        self.name = name
        self.prefix = list(prefix)  # of the command line
        self.preload = preload
        self.slow = slow  # times fewer operations in a slice
        self.needs = needs
        self.options = options

    def lacks(self):
        """Why it cannot be used here, or None."""
        if self.needs and not shutil.which(self.needs):
            return "%s is not installed" % self.needs
        if self.preload and not os.path.exists(self.preload):
            return "%s was not built" % self.preload
        return None

    def environment(self, directory):
        full = {name: value for name, value in os.environ.items()
                if name not in ("LD_PRELOAD", "CLOSEWAIT_OPTIONS")}
        if self.preload:
            full["LD_PRELOAD"] = self.preload
        if self.preload == LIBRARY:
            full["CLOSEWAIT_OPTIONS"] = ":".join(
                ["dir=" + directory, "report=none", "keep=never"] +
                ([self.options] if self.options else []))
        return full

    @contextlib.contextmanager
    def attached(self, pid):
        """While the load is on a server, whose pid this is."""
        yield


class Bpftrace(Against):
    """Attached for each of its slices anew: its tracepoints cost every process on the machine.
    What is counted is the server's time, not that of bpftrace beside it."""

    command = ["unshare", "-m", "sh", "-c",
               "mount -t tracefs none /sys/kernel/tracing && exec bpftrace \"$@\"", "sh",
               os.path.join(HERE, "accepts_and_eofs.bt")]

    def attach(self, pid):
        """Returns when the probes are there; bpftrace tells of a harmless error at times."""
        one = subprocess.Popen(self.command + [str(pid)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if not any(line.strip() == b"attached" for line in one.stdout):
            raise RuntimeError(one.communicate()[1].decode(errors="replace").strip()[:300])
        return one

    def detach(self, one):
        """A signal that comes before it waits for one is lost."""
        for stop in [one.terminate] * 3 + [one.kill]:
            stop()
            try:
                return one.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                pass
        return one.communicate()

    def lacks(self):
        lacking = super().lacks()
        if lacking:
            return lacking
        try:
            self.detach(self.attach(os.getpid()))
        except (OSError, RuntimeError) as error:
            return "bpftrace: %s" % error
        return None

    @contextlib.contextmanager
    def attached(self, pid):
        one = self.attach(pid)
        try:
            yield
        finally:
            self.detach(one)


NATIVE = Against("native")
TRACED = Against("closewait", preload=LIBRARY)
OTHERS = [
    Against("empty", preload=os.path.join(BUILD, "tests", "bench", "bench_empty.so")),
    Against("valgrind", ["valgrind", "-q", "--tool=none", "--track-fds=yes",
                         "--log-file=/dev/null", "--"], slow=3, needs="valgrind"),
    Against("strace", ["strace", "-f", "-o", "/dev/null", "--"], slow=20, needs="strace"),
    Against("strace-k", ["strace", "-f", "-k", "-o", "/dev/null", "--"], slow=200,
            needs="strace"),
    Bpftrace("bpftrace", needs="bpftrace"),
]
