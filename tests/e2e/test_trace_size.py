# SPDX-License-Identifier: MIT
"""The trace's size follows how many descriptors may be open. Where this machine allows few, the
library's question is answered for it."""
import os

import pytest

from reports import Report, named
from traced import LIBRARY, program, traces

HOLD = 60  # ms; longer than GRACE
GRACE = "10ms"
LEAKS = 5
MIB = 1 << 20
EXTENT = 16384  # bytes
DEFAULT = 32 * MIB

# A limit on locked memory above Linux's own keeps the trace small.
LITTLE_LOCKED = "ulimit -l 8192 2>/dev/null; "


@pytest.fixture
def leak_in_child(start, directory):
    """leak_in_child(files, script=""): a child leaks LEAKS connections, and its parent ends,
    with as many descriptors allowed. Returns the report, and the path of the only trace."""
    def run(files, script=""):
        options = "grace=%s:keep=always:dir=%s" % (GRACE, directory)
        argv = [program("open_limit"), files, "env", "LD_PRELOAD=" + LIBRARY,
                "CLOSEWAIT_OPTIONS=" + options, program("holds_leak"), LEAKS, HOLD, "fork", 3]
        one = start(["sh", "-c", LITTLE_LOCKED + script + 'exec "$@"', "sh"] + argv,
                    preload=False)
        if one.wait() == 77:
            pytest.skip("no system call can be answered here: " + one.err.strip())
        trace, = traces(directory)
        return one.err, trace
    return run


@pytest.mark.parametrize("files, size", [
    (1024, DEFAULT),
    (99961, DEFAULT),  # the last for which 16 MiB and 168 bytes for each are no extent more
    (99962, DEFAULT + EXTENT),
    (1 << 20, 184 * MIB),
    (1 << 32, 184 * MIB),  # numbers above a million are not seen
])
def test_size_follows_what_may_be_open(leak_in_child, files, size):
    report, trace = leak_in_child(files)
    assert os.path.getsize(trace) == size
    assert Report(report).leaks == LEAKS, report


def test_stays_small_where_the_address_space_is_limited(leak_in_child):
    report, trace = leak_in_child(1 << 20, "ulimit -v 4000000; ")
    assert os.path.getsize(trace) == DEFAULT
    assert Report(report).leaks == LEAKS, report


def test_sockets_beyond_the_first_32_mib(leak_in_child, read_report, directory):
    """A quarter is the first process's, here more than 32 MiB: its child's records lie behind."""
    own, trace = leak_in_child(1 << 20)
    with open(trace, "rb") as f:
        first = os.lseek(f.fileno(), DEFAULT, os.SEEK_DATA)  # an OSError: there is nothing
    assert DEFAULT < first < os.path.getsize(trace)
    for report in (Report(own), read_report(trace), read_report(directory)):
        assert report.leaks == LEAKS, report.text
        assert named(report.only().stack("EOF read"), "leak_one", "main"), report.text
        assert "nothing lost" in report.text
