# SPDX-License-Identifier: MIT
"""closewait doctor: programs that no library can be preloaded into, and its own library."""
import os
import platform
import re
import shutil
import struct

import pytest

from doctors import can, cannot, doctor, loaded, LOADER_ALONE, NOBODY, OTHER_MACHINE, run, Told
from traced import COMMAND, LIBRARY, PYTHON

pytest_plugins = ["doctor_fixtures"]


# No loader, or not ours

@pytest.mark.parametrize("flag, kind", [("-static", "static"),
                                        ("-static-pie", "static-pie")])
def test_static(build, flag, kind):
    program = build(flag)
    told = doctor(program)
    assert cannot(told) and loaded(program) == 0
    assert kind in told.one("program")
    assert "LD_PRELOAD" in told.one("reason") and flag in told.one("reason")


def test_another_machine(build, copy):
    program = copy(build())
    with open(program, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("=H", OTHER_MACHINE[0]))
    told = doctor(program)
    assert cannot(told)
    assert OTHER_MACHINE[1] in told.one("program")
    assert "another machine" in told.one("reason")


def test_32_bits(tmp_path):
    program = tmp_path / "small"
    program.write_bytes(b"\177ELF" + bytes([1, 1, 1]) + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0))
    program.chmod(0o755)
    told = doctor(program)
    assert cannot(told)
    assert "i386 32-bit" in told.one("program")
    assert "another machine" in told.one("reason")


def replace_loader(program, loader):
    with open(program, "rb") as f:
        bytes_ = f.read()
    old = LOADER_ALONE.encode() + b"\0"
    assert bytes_.count(old) == 1 and len(loader) < len(old)
    with open(program, "wb") as f:
        f.write(bytes_.replace(old, loader.encode().ljust(len(old), b"\0")))


def test_musl_by_its_loader(build, copy):
    program = copy(build())
    replace_loader(program, "/lib/ld-musl-x86_64.so.1")
    told = doctor(program)
    assert cannot(told)
    assert "dynamic, musl" in told.one("program")
    assert any("musl" in reason for reason in told.of("reason"))


@pytest.mark.parametrize("soname, name", [("libc.musl-x86_64.so.1", "musl"),
                                          ("libc.so", "musl"), ("libc.so.0", "uClibc")])
def test_another_libc_by_what_is_needed(build, tmp_path, soname, name):
    stub = build("-shared", "-fPIC", "-nostdlib", "-Wl,-soname," + soname,
                 source="int stub;\n")
    told = doctor(build("-Wl,--no-as-needed", str(stub)))
    assert cannot(told)
    assert told.one("reason").startswith("its C library is " + name)


def test_loader_that_is_missing(build, copy):
    program = copy(build())
    replace_loader(program, "/lib/ld-gone.so")
    told = doctor(program)
    assert cannot(told) and "/lib/ld-gone.so" in told.one("reason")
    with pytest.raises(FileNotFoundError):
        run([program])


def test_no_libc(build):
    if platform.machine() != "x86_64":
        pytest.skip("written for x86_64")
    start = 'void _start(void) { __asm__("mov $60, %eax\\nxor %edi, %edi\\nsyscall"); }\n'
    program = build("-nostdlib", "-pie", "-fPIE", source=start)
    assert run([program]).returncode == 0
    told = doctor(program)
    assert cannot(told) and "own system calls" in told.one("reason")


def test_the_loader_itself(build):
    told = doctor(LOADER_ALONE, build())
    assert can(told) and loaded(LOADER_ALONE, build()) == 1
    assert "Name that one" in told.one("note")


def test_library_and_object_file(build):
    library = build("-shared", "-fPIC", "-Wl,-soname,liblone.so")
    assert "a shared library" in doctor(library).one("reason")
    half = build("-c")
    half.chmod(0o755)
    assert "an object file" in doctor(half).one("reason")
    with pytest.raises(OSError, match="Exec format"):
        run([half])


# Privileges

def test_set_uid(build, copy, root):
    program = copy(build())
    os.chmod(program, 0o4755)
    assert can(doctor(program)) and loaded(program) == 1  # root's own
    os.chown(program, NOBODY, -1)
    os.chmod(program, 0o4755)
    told = doctor(program)
    assert told.one("reason").startswith(
        "set-uid to user %d: the loader drops LD_PRELOAD" % NOBODY)
    assert cannot(told) and loaded(program) == 0


@pytest.mark.parametrize("mode, secure", [(0o2755, True), (0o2745, False)])
def test_set_gid(build, copy, root, mode, secure):
    program = copy(build())
    os.chown(program, -1, NOBODY)
    os.chmod(program, mode)
    told = doctor(program)
    assert cannot(told) == secure and loaded(program) == (0 if secure else 1)
    if secure:
        assert "set-gid to group %d" % NOBODY in told.one("reason")


def test_set_uid_script_is_not_set_uid(script, root):
    path = script("#!%s\n" % PYTHON)
    os.chown(path, NOBODY, -1)
    os.chmod(path, 0o4755)
    assert can(doctor(path)) and loaded(path) == 1


def test_set_uid_is_void_without_new_privileges(build, copy, root, need):
    alone = [need("setpriv"), "--no-new-privs"]
    program = copy(build())
    os.chown(program, NOBODY, -1)
    os.chmod(program, 0o4755)
    assert can(Told(run(alone + [COMMAND, "doctor", program])))
    assert loaded(*(alone + [program])) == 2  # setpriv, and the program


@pytest.mark.parametrize("capability, secure", [("cap_net_raw+ep", True),
                                                ("cap_net_raw+p", True),
                                                ("cap_net_raw+i", False)])
def test_file_capabilities(build, tree, root, need, capability, secure):
    setcap = need("setcap")
    program = shutil.copy(str(build()), tree)
    here = {"command": os.path.join(tree, "tools", "closewait"), "user": NOBODY,
            "cwd": "/"}
    there = {"preload": os.path.join(tree, "preload", "libclosewait.so"), "user": NOBODY,
             "cwd": "/"}
    assert can(doctor(program, **here)) and loaded(program, **there) == 1
    done = run([setcap, capability, program])
    if done.returncode:
        pytest.skip("setcap: " + done.stderr)
    told = doctor(program, **here)
    assert cannot(told) == secure and loaded(program, **there) == (0 if secure else 1)
    if secure:
        assert "file capabilities" in told.one("reason")
    assert can(doctor(program)) and loaded(program) == 1  # root gains nothing by them


# The library

def test_library_is_found_from_any_directory(build, tmp_path):
    link = tmp_path / "closewait"
    link.symlink_to(COMMAND)
    (tmp_path / "preload").mkdir()
    (tmp_path / "preload" / "libclosewait.so").write_text("not this one")
    (tmp_path / "tools").mkdir()
    told = doctor(build("-g"), command=str(link), cwd=str(tmp_path / "tools"))
    assert can(told) and told.one("library") == os.path.realpath(LIBRARY)


def test_library_where_it_is_installed(build, tmp_path):
    (tmp_path / "bin").mkdir()
    command = shutil.copy(COMMAND, str(tmp_path / "bin"))
    told = doctor(build("-g"), command=command)
    assert cannot(told) and told.of("library") == []
    place = re.match(r"the library is not where it was installed \((.*): No such file",
                     told.one("reason")).group(1)
    assert re.match(r"%s/bin/\.\./lib.*/closewait/libclosewait\.so$" % tmp_path, place)
    os.makedirs(os.path.dirname(os.path.normpath(place)))
    shutil.copy(LIBRARY, place)
    told = doctor(build("-g"), command=command)
    assert can(told) and told.one("library") == os.path.normpath(place)


def test_library_that_is_damaged_or_of_another_machine(build, tree):
    command = os.path.join(tree, "tools", "closewait")
    library = os.path.join(tree, "preload", "libclosewait.so")
    with open(library, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("=H", OTHER_MACHINE[0]))
    assert "another machine" in doctor(build("-g"), command=command).one("reason")
    assert loaded(build("-g"), preload=library) == 0
    with open(library, "r+b") as f:
        f.truncate(20)
    assert "damaged" in doctor(build("-g"), command=command).one("reason")


def test_library_that_may_not_be_read(build, tree, root):
    command = os.path.join(tree, "tools", "closewait")
    library = os.path.join(tree, "preload", "libclosewait.so")
    program = shutil.copy(str(build("-g")), tree)
    os.chmod(library, 0o700)
    told = doctor(program, command=command, user=NOBODY, cwd="/")
    assert cannot(told) and "cannot be read by this user" in told.one("reason")
    assert loaded(program, preload=library, user=NOBODY, cwd="/") == 0


@pytest.mark.parametrize("name", ["a place", "a:place"])
def test_library_whose_path_cannot_be_preloaded(build, tree, name):
    place = os.path.join(tree, name)
    for directory in ("tools", "preload"):
        shutil.copytree(os.path.join(tree, directory), os.path.join(place, directory))
    told = doctor(build("-g"), command=os.path.join(place, "tools", "closewait"))
    assert cannot(told) and "blank or a colon" in told.one("reason")
    assert loaded(build("-g"), preload=told.one("library")) == 0
