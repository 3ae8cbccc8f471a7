# SPDX-License-Identifier: MIT
"""closewait doctor: its verdicts, each held against what LD_PRELOAD really does."""
import glob
import os
import platform
import random
import re
import socket
import subprocess

import pytest

from doctors import can, cannot, doctor, HELLO, loaded, run
from traced import COMMAND, LIBRARY, PYTHON

pytest_plugins = ["doctor_fixtures"]


# Dynamic programs, and what they tell of themselves

def test_dynamic_program_with_debug_information(build):
    program = build("-g")
    told = doctor(program)
    assert can(told) and loaded(program) == 1
    assert told.command == str(program)
    assert re.match(r"%s  \(ELF \S+, dynamic, glibc\)$" % program, told.one("program"))
    assert told.one("library") == os.path.realpath(LIBRARY)
    assert [label for label, _ in told.rows] == ["program", "library"]


def test_no_debug_information(build):
    told = doctor(build())
    assert can(told)
    assert re.match("no debug information: functions but no lines.*-g.*-dbgsym.*"
                    "DEBUGINFOD_URLS$", told.one("note"))


def test_stripped(build):
    told = doctor(build("-s"))
    assert can(told) and loaded(build("-s")) == 1
    assert "no .symtab: exported functions but no lines" in told.one("note")


def test_debug_servers_are_named_and_not_asked(build):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = "http://127.0.0.1:%d/" % server.getsockname()[1]
        told = doctor(build(), env={"DEBUGINFOD_URLS": url})
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "DEBUGINFOD_URLS is set" in told.one("note")


def split_debug(program, debug):
    """Moves the debug information of `program` to `debug`."""
    subprocess.check_call(["objcopy", "--only-keep-debug", program, debug])
    subprocess.check_call(["objcopy", "--strip-all", "--add-gnu-debuglink=" + debug,
                           program])


@pytest.mark.parametrize("directory", [".", ".debug"])
def test_debug_file_by_its_link(build, copy, tmp_path, need, directory):
    need("objcopy")
    program = copy(build("-g"))
    debug = str(tmp_path / "copy.debug")
    split_debug(program, debug)
    os.makedirs(str(tmp_path / directory), exist_ok=True)
    os.rename(debug, str(tmp_path / directory / "copy.debug"))
    assert doctor(program).of("note") == []
    os.unlink(str(tmp_path / directory / "copy.debug"))
    assert len(doctor(program).of("note")) == 1


def test_debug_file_of_another_build_is_not_taken(build, copy, tmp_path, need):
    need("objcopy")
    program = copy(build("-g"))
    debug = str(tmp_path / "copy.debug")
    split_debug(program, debug)
    other = build("-g", source=HELLO + "int more;\n")
    subprocess.check_call(["objcopy", "--only-keep-debug", str(other), debug])
    assert "exported functions but no lines" in doctor(program).one("note")


def test_debug_file_by_build_id(build):
    files = sorted(glob.glob("/usr/lib/debug/.build-id/??/*.debug"))
    if not files:
        pytest.skip("no debug files are installed")
    identity = "".join(files[0][:-len(".debug")].split("/")[-2:])
    assert doctor(build("-Wl,--build-id=0x" + identity)).of("note") == []
    assert len(doctor(build("-Wl,--build-id=0x" + identity[::-1])).of("note")) == 1


# Runtimes

def test_address_sanitizer(build):
    program = build("-fsanitize=address")
    told = doctor(program)
    assert told.verdict == "can be traced in part"
    runtime = re.match(r"AddressSanitizer: (libasan\.so\.\d+) must come first",
                       told.one("partly")).group(1)
    refused = run([program], env={"LD_PRELOAD": LIBRARY})
    assert refused.returncode != 0 and "does not come first" in refused.stderr
    assert loaded(program, preload=runtime + ":" + LIBRARY) == 1


def test_address_sanitizer_of_clang(build):
    runtime = "libclang_rt.asan-%s.so" % platform.machine()
    stub = build("-shared", "-fPIC", "-Wl,-soname," + runtime, source="int runtime;\n")
    told = doctor(build("-Wl,--no-as-needed", str(stub)))
    assert told.one("partly").startswith("AddressSanitizer: %s must" % runtime)


@pytest.mark.parametrize("sanitizer", ["thread", "leak"])
def test_other_sanitizers_do_not_mind(build, sanitizer):
    program = build("-fsanitize=" + sanitizer)
    if run([program]).stdout != "hello\n":
        pytest.skip("-fsanitize=%s does not work here" % sanitizer)
    assert can(doctor(program)) and loaded(program) == 1


@pytest.mark.parametrize("section", [".go.buildinfo", ".note.go.buildid"])
@pytest.mark.parametrize("flag, verdict", [("-g", "can be traced in part"),
                                           ("-static", "cannot be traced")])
def test_go(build, copy, tmp_path, need, section, flag, verdict):
    need("objcopy")
    program = copy(build(flag))
    (tmp_path / "section").write_bytes(b"\xff Go buildinf:" + bytes(18))
    subprocess.check_call(["objcopy", "--add-section",
                           "%s=%s" % (section, tmp_path / "section"), program])
    told = doctor(program)
    assert told.verdict == verdict
    assert ", Go)" in told.one("program")
    assert "Go" in told.one("partly" if flag == "-g" else "reason")


def test_preload_that_is_set_already(build, tmp_path):
    other = build("-shared", "-fPIC", source="int other;\n")
    told = doctor(build("-g"), env={"LD_PRELOAD": str(other),
                                   "ASAN_OPTIONS": "verify_asan_link_order=0"})
    assert can(told) and str(other) in told.one("note")
    assert loaded(build("-g"), preload="%s:%s" % (other, LIBRARY)) == 1


# Damaged files

def test_damaged_program(build, copy):
    program = copy(build())
    for size in (4, 20, 63):
        with open(program, "r+b") as f:
            f.truncate(size)
    told = doctor(program)
    assert cannot(told) and "damaged" in told.one("reason")


def test_hostile_files_end_in_a_verdict(build, copy):
    with open(str(build("-g")), "rb") as f:
        whole = f.read()
    program = copy(build("-g"))
    dice = random.Random(20)
    for _ in range(80):
        size = dice.choice([len(whole), dice.randrange(64, len(whole))])
        spoilt = bytearray(whole[:size])
        for _ in range(dice.randrange(1, 12)):
            at = dice.randrange(4, dice.choice([64, 1024, size])) % size
            spoilt[at] = dice.choice([0, 0x7f, 0xff, dice.randrange(256)])
        with open(program, "wb") as f:
            f.write(spoilt)
        doctor(program)


# Use

def test_use():
    usage = run([COMMAND, "doctor", "--help"])
    assert usage.returncode == 0 and usage.stderr == ""
    assert len(usage.stdout.splitlines()) < 24
    assert max(map(len, usage.stdout.splitlines())) <= 80
    for argv in ([], ["--nothing"], ["--help=1"]):
        done = run([COMMAND, "doctor"] + argv)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("closewait") and done.stderr.count("\n") == 1
    assert can(doctor(PYTHON, "--help"))  # the command's own
