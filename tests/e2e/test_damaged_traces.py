# SPDX-License-Identifier: MIT
"""`closewait report` on what is no trace, or no longer a whole one."""
import os
import random
import re
import shutil
import subprocess

import pytest

from traced import program, traces


@pytest.fixture
def trace(start, directory):
    run = start([program("ends"), 60, "exit"], grace="20ms", report="none")
    assert run.wait() == 7
    path, = traces(directory)
    return path


def must_refuse(done, *words):
    assert done.returncode == 2
    assert done.stdout == ""
    line, = done.stderr.splitlines()
    assert line.startswith("closewait: ")
    for word in words:
        assert str(word) in line


def test_missing(closewait, tmp_path):
    must_refuse(closewait("report", tmp_path / "absent.cwtrace"), tmp_path / "absent.cwtrace")


def test_empty(closewait, tmp_path):
    (tmp_path / "a.cwtrace").write_bytes(b"")
    must_refuse(closewait("report", tmp_path / "a.cwtrace"), tmp_path / "a.cwtrace", "empty")


def test_no_trace_at_all(closewait, tmp_path):
    (tmp_path / "a.cwtrace").write_bytes(b"something else\n" * 1000)
    must_refuse(closewait("report", tmp_path / "a.cwtrace"), tmp_path / "a.cwtrace")


def test_directory_without_traces(closewait, tmp_path):
    (tmp_path / "nothing").mkdir()
    must_refuse(closewait("report", tmp_path / "nothing"), tmp_path / "nothing")


def test_process_that_does_not_exist(closewait):
    must_refuse(closewait("report", 4194305), 4194305)


def test_process_without_the_library(closewait):
    must_refuse(closewait("report", os.getpid()), os.getpid())


def test_cut_in_the_header(closewait, tmp_path, trace):
    path = tmp_path / "a.cwtrace"
    path.write_bytes(open(trace, "rb").read(100))
    must_refuse(closewait("report", path), path)


@pytest.mark.parametrize("extents", [1, 2, 3, 4, 5])
def test_cut_later_shows_what_is_whole(closewait, tmp_path, trace, extents):
    path = tmp_path / "a.cwtrace"
    path.write_bytes(open(trace, "rb").read(extents * 16384 - 8))
    done = closewait("report", path)
    assert done.returncode in (0, 1, 2)
    assert "truncated" in done.stdout + done.stderr


def test_another_version(closewait, tmp_path, trace):
    path = tmp_path / "a.cwtrace"
    data = bytearray(open(trace, "rb").read(1 << 20))
    data[16:20] = (99).to_bytes(4, "little")
    path.write_bytes(data)
    must_refuse(closewait("report", path), path, "version")


def test_noise_in_a_trace_is_survived(closewait, tmp_path, trace):
    whole = open(trace, "rb").read(40 * 16384)
    path = tmp_path / "a.cwtrace"
    chance = random.Random(2)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 10, 300))):
            place = chance.randrange(len(data) if chance.random() < 0.5 else 20000)
            data[place] = chance.randrange(256)
        path.write_bytes(data)
        done = closewait("report", "--all", path)
        assert done.returncode in (0, 1, 2), "%d\n%s" % (done.returncode, done.stderr)


def test_trace_behind_a_link_or_a_pipe_does_not_hang(closewait, tmp_path, trace):
    os.symlink(trace, tmp_path / "link.cwtrace")
    assert "eof-ignored" in closewait("report", tmp_path / "link.cwtrace").stdout
    os.mkfifo(tmp_path / "pipe.cwtrace")
    must_refuse(closewait("report", tmp_path / "pipe.cwtrace"), tmp_path / "pipe.cwtrace")


def with_module_path(trace, to, path):
    """A copy of the trace in which the program's own module has another path."""
    data = bytearray(open(trace, "rb").read())
    new = os.fsencode(path)
    pattern = rb"[^\0]*" + os.path.basename(program("ends")).encode() + rb"\0"
    found = [m for m in re.finditer(rb"/" + pattern, data) if m.start() > 16384]
    assert found and len(new) < len(found[0].group())
    for match in found:
        at = match.start()
        data[at - 4:at] = len(new).to_bytes(4, "little")
        data[at:at + len(new) + 1] = new + b"\0"
    to.write_bytes(data)
    return to


@pytest.mark.parametrize("kind", ["fifo", "device", "directory"])
def test_module_that_is_no_file_is_not_opened(closewait, tmp_path, trace, kind):
    path = {"fifo": "/tmp/cw-fifo-%d" % os.getpid(), "device": "/dev/tty",
            "directory": "/tmp"}[kind]
    if kind == "fifo":
        os.mkfifo(path)
    try:
        done = closewait("report", with_module_path(trace, tmp_path / "a.cwtrace", path))
    finally:
        if kind == "fifo":
            os.unlink(path)
    assert done.returncode == 0
    assert "eof-ignored" in done.stdout
    assert done.stderr == "closewait: %s: no regular file: no names from it\n" % path


def test_names_in_a_trace_do_not_drive_the_terminal(closewait, tmp_path, trace):
    path = b"/\x1b[2J\xc2\x9b1m\x9b\x07\n\xe2\x80\xae"
    done = closewait("report", with_module_path(trace, tmp_path / "a.cwtrace", path))
    assert done.returncode == 0
    line, = done.stderr.splitlines()
    assert line.startswith("closewait: /?[2J??1m??????: ")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ufffd]", done.stdout)


def test_names_in_a_directory_do_not_drive_the_terminal(closewait, tmp_path, trace):
    place = tmp_path / "session"
    place.mkdir()
    for name in ("a\x1b[2J.cwtrace", "b\x9b1m.cwtrace", "c\n.cwtrace"):
        shutil.copy(trace, str(place / name))
    (place / "d\x1b.cwtrace").write_bytes(b"no trace")
    done = closewait("report", place)
    assert done.returncode == 2
    assert "eof-ignored" in done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("below", ["", ".debug"])
def test_debug_file_that_is_a_pipe_is_not_waited_for(start, directory, closewait, need,
                                                     tmp_path, below):
    need("objcopy")
    place = tmp_path / "program"
    (place / below).mkdir(parents=True)
    ends = str(place / "ends")
    subprocess.check_call(["objcopy", "--only-keep-debug", program("ends"),
                           str(place / "ends.debug")])
    subprocess.check_call(["objcopy", "--strip-debug", "--remove-section=.note.gnu.build-id",
                           "--add-gnu-debuglink=" + str(place / "ends.debug"),
                           program("ends"), ends])
    os.unlink(str(place / "ends.debug"))
    os.mkfifo(str(place / below / "ends.debug"))
    assert start([ends, 60, "exit"], grace="20ms", report="none").wait() == 7
    done = closewait("report", directory)
    assert done.returncode == 0
    assert re.search(r"EOF read +leak\+0x", done.stdout), done.stdout


def test_file_too_large_for_a_trace_is_not_read(closewait, tmp_path, trace):
    path = tmp_path / "a.cwtrace"
    with open(trace, "rb") as whole, open(str(path), "wb") as large:
        large.write(whole.read(1 << 20))
        large.truncate(1 << 30)
    must_refuse(closewait("report", path), path, "larger")
