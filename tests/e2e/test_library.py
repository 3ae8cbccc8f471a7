# SPDX-License-Identifier: MIT
"""What the library is made of: its symbols, what it needs, and life without libunwind."""
import glob
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from doctors import LOADER_ALONE
from reports import Report, named
from traced import (LIBRARY, SOURCE, client, example, files_below, program, until_older_than)


def output(*argv):
    return subprocess.check_output(argv, universal_newlines=True)


def listed_hooks():
    with open(os.path.join(SOURCE, "preload", "hooks.h")) as f:
        return set(re.findall(r"^\s*HOOK\((\w+)", f.read(), re.M))


def test_exports_the_listed_hooks_and_nothing_else(need):
    need("nm")
    exported = {line.split()[-1].split("@")[0]
                for line in output("nm", "-D", "--defined-only", LIBRARY).splitlines()}
    hooks = listed_hooks()
    assert len(hooks) > 50
    assert exported - {"_init", "_fini"} == hooks


def test_needs_libc_alone(need):
    need("readelf")
    needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", output("readelf", "-d", LIBRARY))
    assert needed
    assert not [name for name in needed if "unwind" in name]
    assert all(re.match(r"(libc|ld-linux.*|libpthread|libdl)\.so", name) for name in needed)


def test_stays_when_asked_to_go(need):
    need("readelf")
    assert "NODELETE" in output("readelf", "-d", LIBRARY)


def test_a_program_without_sockets_is_left_alone(start, directory):
    run = start(["/bin/ls", "/"])
    assert run.wait() == 0
    assert run.err == ""
    assert not os.path.exists(directory) or files_below(directory) == []


def without_libunwind(tmp_path):
    """A prefix: a mount namespace in which libunwind is an empty file."""
    libraries = {os.path.realpath(path) for place in ("/lib/*", "/lib64", "/usr/local/lib")
                 for path in glob.glob(place + "/libunwind-*.so.*")
                 if re.search(r"libunwind-(x86_64|aarch64)\.so", path)}
    empty = tmp_path / "empty"
    empty.write_text("")
    mounts = " && ".join("mount --bind %s %s" % (empty, path) for path in sorted(libraries))
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    script = ["sh", "-c", "%s && exec \"$@\"" % (mounts or "true"), "sh"]
    tried = subprocess.run(unshare + script + ["true"], stderr=subprocess.PIPE)
    if tried.returncode:
        pytest.skip("no mount namespace: " + tried.stderr.decode().strip())
    return unshare + script


@pytest.mark.parametrize("unwind", ["known", "audit"])
def test_libunwind_absent_is_missed_by_an_audit_alone(start, tmp_path, directory, unwind):
    prefix = without_libunwind(tmp_path)
    # The namespace's tools run without the library: only the server is given it.
    server = start(prefix + ["env", "LD_PRELOAD=" + LIBRARY,
                             "CLOSEWAIT_OPTIONS=grace=20ms:dir=%s:unwind=%s" % (directory, unwind),
                             example("eof_ignored"), 0, 4], preload=False)
    port = server.port()
    for i in range(4):
        client(port, *((b"half",) if i % 2 else (b"line\n", 3)))
    server.line("served 4")
    until_older_than(time.monotonic(), 0.1)
    assert server.end() == -signal.SIGTERM
    before_report = server.err.split("closewait: LEAK")[0]
    told = [line for line in before_report.splitlines() if line.startswith("closewait: ")]
    assert len(told) == (unwind == "audit"), server.err
    assert not told or "libunwind" in told[0] and "cannot compare" in told[0], server.err
    group = Report(server.err).only()
    assert (group.verdict, group.count) == ("eof-ignored", 2), server.err
    assert named(group.stack("opened"), "accept_conn", "main"), server.err
    assert named(group.stack("EOF read"), "read_request", "main"), server.err


@pytest.mark.parametrize("unwind", ["known", "full", "audit"])
def test_libunwind_is_opened_for_an_audit_alone(start, unwind):
    """And keeps no descriptor."""
    server = start([example("eof_ignored"), 0, 1], unwind=unwind)
    client(server.port(), b"half")
    server.line("served 1")
    with open("/proc/%d/maps" % server.pid) as f:
        assert ("libunwind-" in f.read()) == (unwind == "audit")
    numbers = os.listdir("/proc/%d/fd" % server.pid)
    assert not [n for n in numbers if int(n) > 2 and
                os.readlink("/proc/%d/fd/%s" % (server.pid, n)).startswith("pipe:")]
    server.end()


@pytest.mark.parametrize("limit", ["-f 8", "-f 4096", "-v 200000", "-n 16"])
def test_small_limits_do_not_hurt_the_server(start, limit):
    script = "ulimit %s; exec \"$@\"" % limit
    server = start(["sh", "-c", script, "sh", example("eof_ignored"), 0, 4], grace="20ms")
    port = server.port()
    for i in range(4):
        client(port, b"line\n", 3)
    server.line("served 4")
    assert server.end() == -signal.SIGTERM
    for line in server.err.splitlines():
        assert line.startswith("closewait: "), server.err
    assert len(server.err.splitlines()) <= 1, server.err


def in_a_file_system(tmp_path, mount):
    """A prefix: a mount namespace in which tmp_path/small is a file system of its own."""
    small = tmp_path / "small"
    small.mkdir(mode=0o700)
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    script = ["sh", "-c", "mount %s %s && chmod 700 %s && exec \"$@\"" %
              (mount, small, small), "sh"]
    tried = subprocess.run(unshare + script + ["true"], stderr=subprocess.PIPE)
    if tried.returncode:
        pytest.skip("no mount namespace: " + tried.stderr.decode().strip())
    return unshare + script + ["env", "LD_PRELOAD=" + LIBRARY,
                               "CLOSEWAIT_OPTIONS=grace=20ms:dir=%s" % small]


@pytest.mark.parametrize("size", ["8k", "40k", "80k", "120k", "400k"])
def test_full_file_system_does_not_hurt_the_server(start, tmp_path, size):
    prefix = in_a_file_system(tmp_path, "-t tmpfs -o size=%s none" % size)
    server = start(prefix + [example("eof_ignored"), 0, 200], preload=False)
    port = server.port()
    for i in range(200):
        client(port, *((b"half",) if i % 4 else (b"line\n", 3)))
    server.line("served 200")
    until_older_than(time.monotonic(), 0.1)
    assert server.end() == -signal.SIGTERM
    report = Report(server.err)
    if report.leaks != 150:  # then it must say so
        assert "closewait: " in server.err and "nothing lost" not in server.err, server.err


def test_file_system_that_may_fail_a_store_is_not_used(start, tmp_path):
    prefix = in_a_file_system(tmp_path, "-t ramfs none")
    server = start(prefix + [example("eof_ignored"), 0, 1], preload=False)
    client(server.port(), b"half")
    server.line("served 1")
    until_older_than(time.monotonic(), 0.1)
    assert server.end() == -signal.SIGTERM
    told = [line for line in server.err.splitlines() if line.startswith("closewait: dir")]
    assert len(told) == 1 and "file system" in told[0], server.err
    assert Report(server.err).leaks == 1


def test_never_writes_to_a_client_that_got_the_number_of_stderr(start, directory):
    server = start([program("stderr_reused"), 60], grace="20ms")
    port = server.port()
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        s.shutdown(socket.SHUT_WR)
        assert s.recv(100) == b""
    assert server.wait() == 0
    assert server.err == ""
    beside = [path for path in files_below(directory) if not path.endswith(".cwtrace")]
    assert len(beside) == 1, files_below(directory)
    with open(beside[0]) as f:
        assert Report(f.read()).only().verdict == "eof-ignored"


def test_runs_under_a_relative_path_of_the_build(start, directory):
    """The seed's command line: a path relative to where one stands."""
    relative = os.path.relpath(LIBRARY, SOURCE)
    run = start(["env", "-C", SOURCE, "LD_PRELOAD=./" + relative,
                 "CLOSEWAIT_OPTIONS=grace=20ms:dir=" + directory, program("ends"), 60, "exit"],
                preload=False)
    assert run.wait() == 7
    assert Report(run.err).leaks == 1


def test_program_that_the_loader_was_run_with_has_its_own_name(start):
    run = start([LOADER_ALONE, program("place_taken"), 0, 0, "left"], show="open")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert named(report.group("open").stack("opened"), "main"), run.err
    assert re.search(r"opened +main\+0x\w+ +%s\n" % os.path.basename(program("place_taken")),
                     report.text), run.err
