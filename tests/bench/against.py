# SPDX-License-Identifier: MIT
"""What a server is measured under: the library, nothing, and what else one could take."""
import os
import shutil

from places import BUILD, LIBRARY


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


NATIVE = Against("native")
TRACED = Against("closewait", preload=LIBRARY)
OTHERS = [
    Against("empty", preload=os.path.join(BUILD, "tests", "bench", "bench_empty.so")),
    Against("valgrind", ["valgrind", "-q", "--tool=none", "--track-fds=yes",
                         "--log-file=/dev/null", "--"], slow=3, needs="valgrind"),
    Against("strace", ["strace", "-f", "-o", "/dev/null", "--"], slow=20, needs="strace"),
    Against("strace-k", ["strace", "-f", "-k", "-o", "/dev/null", "--"], slow=200,
            needs="strace"),
]
