# SPDX-License-Identifier: MIT
"""Bad surroundings: the program does its work as without, and what is missing is said."""
import os
import re
import resource
import signal
import subprocess

import pytest

from reports import Report, named
from traced import LIBRARY, files_below, program, traces

HOLD = 60  # ms; longer than GRACE
GRACE = "10ms"
CONNECTIONS = 1500


def shell(script, argv, directory, **options):
    """A shell's own surroundings, and in them the program under the library alone."""
    settings = dict({"grace": GRACE, "dir": directory}, **options)
    text = ":".join("%s=%s" % pair for pair in settings.items())
    return (["sh", "-c", script + '; exec "$@"', "sh", "env", "LD_PRELOAD=" + LIBRARY,
             "CLOSEWAIT_OPTIONS=" + text] + [str(word) for word in argv])


def told_or_counted(run, leaks):
    """All leaks are in the report, or it says how many are missing; or why there is none."""
    assert run.wait() == 0, run.err
    assert run.out == "served %d\n" % leaks, run.err
    report = Report(run.err)
    if report.leaks != leaks:
        assert re.search(r"^lost: |not traced|no memory", run.err, re.M), run.err
        assert "nothing lost" not in run.err
    return report


# Room for the trace

@pytest.fixture
def own_mounts(tmp_path):
    """own_mounts(command): a prefix that runs in a mount namespace, after that command."""
    def prefix(command):
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        tried = subprocess.run(unshare + ["sh", "-c", command], stderr=subprocess.PIPE)
        if tried.returncode:
            pytest.skip("no mount namespace: " + tried.stderr.decode().strip())
        return unshare
    return prefix


@pytest.mark.parametrize("size", ["16k", "32k", "48k", "64k", "96k", "128k", "256k", "512k",
                                  "1m"])
@pytest.mark.parametrize("filled", [False, True], ids=["free", "full"])
def test_small_tmpfs(start, tmp_path, own_mounts, size, filled):
    place = tmp_path / "small"
    place.mkdir()
    script = "mount -t tmpfs -o size=%s none %s" % (size, place)
    if filled:
        script += " && { dd if=/dev/zero of=%s/fill bs=4096 2>/dev/null; true; }" % place
    prefix = own_mounts(script)
    run = start(prefix + shell(script, [program("leaks_many"), HOLD, CONNECTIONS],
                               place / "traces"), preload=False)
    report = told_or_counted(run, CONNECTIONS)
    if filled or size in ("16k", "1m"):  # none at all, and memory does; or enough
        assert report.leaks == CONNECTIONS, run.err


def test_directory_that_cannot_be_written_to(start, tmp_path):
    a_file = tmp_path / "file"
    a_file.write_text("")
    for place in ("/proc/closewait", "/dev/null/closewait", a_file, tmp_path / "no" / "where"):
        run = start([program("leaks_many"), HOLD, 20], grace=GRACE, dir=place)
        report = told_or_counted(run, 20)
        assert report.leaks == 20
        assert re.match(r"closewait: dir %s: .*memory only" % re.escape(str(place)), run.err)
    assert a_file.read_text() == ""


def test_directory_that_others_can_write_to_is_not_used(start, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    run = start([program("leaks_many"), HOLD, 20], grace=GRACE, dir=shared)
    assert told_or_counted(run, 20).leaks == 20
    assert files_below(shared) == []


def test_read_only_file_system(start, tmp_path, own_mounts):
    place = tmp_path / "read_only"
    place.mkdir()
    script = "mount -t tmpfs -o ro none %s" % place
    prefix = own_mounts(script)
    run = start(prefix + shell(script, [program("leaks_many"), HOLD, 20], place / "traces"),
                preload=False)
    assert told_or_counted(run, 20).leaks == 20
    assert "memory only" in run.err


# Limits

@pytest.mark.parametrize("limit", [4000, 6000, 8000, 12000, 16000, 20000, 24000, 32000, 38000,
                                   50000])
def test_address_space_limit(start, directory, limit):
    run = start(shell("ulimit -v %d" % limit, [program("leaks_many"), HOLD, 200], directory),
                preload=False)
    told_or_counted(run, 200)


def file_size_limit(start, tmp_path, directory, report, to):
    """Runs under RLIMIT_FSIZE 0; returns the wait status (a shell's) and standard error."""
    status = tmp_path / "status"
    argv = shell("ulimit -f 0", [program("leaks_many"), HOLD, 20], directory, report=report)
    script = '{ "$@" 2>%s >/dev/null; echo $? >%s; } 2>&1 | cat' % (to, status)
    run = start(["sh", "-c", script, "sh"] + argv, preload=False)
    run.wait()
    return int(status.read_text()), run.out


@pytest.mark.parametrize("report, to", [("stderr", "FILE"), ("FILE", "&1"), ("FILE", "FILE"),
                                        ("none", "FILE")])
def test_file_size_limit_kills_nobody(start, tmp_path, directory, report, to):
    status, _ = file_size_limit(start, tmp_path, directory,
                                report.replace("FILE", str(tmp_path / "report")),
                                to.replace("FILE", str(tmp_path / "stderr")))
    assert status == 0


def test_file_size_limit_is_told_where_that_is_possible(start, tmp_path, directory):
    status, err = file_size_limit(start, tmp_path, directory, "stderr", "&1")
    assert status == 0
    assert Report(err).leaks == 20, err
    assert re.match(r"closewait: .*ulimit -f", err), err
    assert files_below(directory) == []


def test_million_descriptors(start, directory):
    """RLIMIT_NOFILE as containers have it; the table's cost is by use."""
    run = start(shell("ulimit -n 1048576 || exit 77", [program("high_numbers"), HOLD, 1048575,
                                                      "leak"], directory), preload=False)
    if run.wait() == 77:
        pytest.skip("RLIMIT_NOFILE cannot be raised: " + (run.err or run.out).strip())
    report = Report(run.err)
    assert report.only().sockets[0].startswith("fd 1048575 "), run.err
    trace, = traces(directory)
    assert os.stat(trace).st_blocks * 512 < 400000


def test_highest_number_that_is_allowed(start, directory):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(hard, 1 << 20) - 1
    for what in ("leak", "close"):
        run = start(shell("ulimit -n %d" % (number + 1),
                          [program("high_numbers"), HOLD, number, what], directory),
                    preload=False)
        assert run.wait() == 0, run.out + run.err
        assert Report(run.err).leaks == (what == "leak"), run.err
    trace, = traces(directory)
    assert os.stat(trace).st_blocks * 512 < 400000


def test_few_descriptors(start):
    """Not one number is left when the trace is to be made, nor when the report is."""
    run = start(["sh", "-c", 'ulimit -n 6; exec "$@"', "sh", program("hello"), HOLD],
                grace="0")
    native = start(["sh", "-c", 'ulimit -n 6; exec "$@"', "sh", program("hello"), HOLD],
                   preload=False)
    assert run.wait() == native.wait()
    assert run.out == native.out


# Other libraries

@pytest.mark.parametrize("order", ["before", "after"])
def test_sockets_of_another_librarys_constructor(start, directory, order):
    early = program("early_hooks") + ".so"
    preload = "%s %s" % ((LIBRARY, early) if order == "after" else (early, LIBRARY))
    run = start([program("hello"), HOLD], env={"LD_PRELOAD": preload}, grace=GRACE)
    native = start([program("hello"), HOLD], env={"LD_PRELOAD": early}, preload=False)
    assert (run.wait(), native.wait()) == (3, 3), run.err
    assert run.out == native.out
    report = Report(run.err)
    assert report.leaks == 1, run.err
    assert named(report.only().stack("opened"), "leak_early", "construct"), run.err
    assert named(report.only().stack("EOF read"), "leak_early", "construct"), run.err
    assert "9 sockets opened: 7 closed, 1 leaked, 1 listening" in report.text


def test_libunwind_that_is_broken(start, tmp_path, directory, own_mounts):
    """It is not missed, threads and all."""
    libraries = [os.path.realpath("/lib/x86_64-linux-gnu/libunwind-x86_64.so.8"),
                 os.path.realpath("/lib/aarch64-linux-gnu/libunwind-aarch64.so.8")]
    there = [path for path in libraries if os.path.exists(path)]
    if not there:
        pytest.skip("libunwind is not where Debian has it")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF" + bytes(60))
    script = " && ".join("mount --bind %s %s" % (broken, path) for path in there)
    prefix = own_mounts(script)
    run = start(prefix + shell(script, [program("threads_random"), 1, 300, 1300], directory,
                               grace="500ms"), preload=False)
    assert run.wait() == 0, run.err
    own = dict(zip(run.out.split()[0::2], map(int, run.out.split()[1::2])))
    report = Report(run.err)
    assert report.leaks == own["leaked_read"] + own["leaked_unread"]
    assert "%(opened)d sockets opened: %(closed)d closed" % own in report.text
    assert run.err.startswith("closewait: LEAK"), run.err
    assert "lost:" not in report.text, run.err


# Ways of dying that leave little room

def test_sigkill_of_a_process_that_could_have_no_file(start, tmp_path):
    run = start([program("malloc_loops"), 20, 1], grace=GRACE, dir="/proc/closewait")
    run.line("ready")
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    assert "nothing is left after kill -9" in run.err
