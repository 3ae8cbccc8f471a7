# SPDX-License-Identifier: MIT
"""`closewait report` on what is no trace, or no longer a whole one."""
import os
import random

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
