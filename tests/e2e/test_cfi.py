# SPDX-License-Identifier: MIT
"""The unwind rules that the library finds in a file are those that readelf finds."""
import os
import platform
import re
import shutil
import subprocess
import sys

import pytest

from traced import PYTHON, program

X86_64 = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"]
AARCH64 = ["x%d" % n for n in range(31)] + ["sp"]
NAMES = AARCH64 if platform.machine() == "aarch64" else X86_64
RETURN = 30 if platform.machine() == "aarch64" else 16

FUNCTION = re.compile(r"^\S+ \S+ \S+ FDE .*pc=(\w+)\.\.(\w+)$")
ROW = re.compile(r"^[0-9a-f]{16} ")
FUNCTIONS_MAX = 8000


def number(name):
    return RETURN if name == "ra" else NAMES.index(name) if name in NAMES else None


def as_ours(cfa, rules):
    """A row of readelf's in the notation of cfi_rows."""
    if cfa != "exp":
        name, offset = re.match(r"(\w+)([+-]\d+)$", cfa).groups()
        cfa = "r%d%s" % (number(name), offset)
    saved = {}
    for name, rule in rules:
        if rule in ("u", "s") or number(name) is None:
            continue
        saved[number(name)] = rule
    return " ".join([cfa] + ["%d=%s" % item for item in sorted(saved.items())])


def rows_of(path):
    """[(address, row)] at the beginning of each row and at its last byte."""
    wanted, names, begun, end = [], [], None, 0
    functions = 0
    dump = subprocess.Popen(["readelf", "--debug-dump=frames-interp", path],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            universal_newlines=True)

    def close(until):
        if begun and until > begun[0]:
            wanted.append(begun)
            wanted.append((until - 1, begun[1]))

    with dump.stdout:
        for line in dump.stdout:
            function = FUNCTION.match(line)
            if function or " CIE " in line or line.startswith("Contents of"):
                close(end)
                begun, end, names = None, 0, []
                if ".debug_frame" in line:
                    break
            if function:
                end = int(function.group(2), 16)
                functions += 1
                if functions > FUNCTIONS_MAX:
                    break
            elif line.startswith("   LOC"):
                names = line.split()[2:]
            elif end and ROW.match(line):
                # One that is in another register is told with its name behind the number.
                address, cfa, *rules = re.sub(r" \(\w+\)", "", line).split()
                close(int(address, 16))
                begun = (int(address, 16), as_ours(cfa, zip(names, rules)))
        else:
            close(end)
        dump.kill()
    dump.wait()
    return wanted


def library(name):
    """The file of a library that this interpreter is linked with, or has beside it."""
    found = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE,
                           universal_newlines=True).stdout
    match = re.search(r"^\s+%s.*=> (.*)$" % re.escape(name), found, re.M)
    return match and match.group(1)


@pytest.mark.parametrize("name", ["libc.so.6", "libstdc++.so.6", "libcrypto.so.3", "libgcc_s.so.1",
                                  "ld-linux-x86-64.so.2", "nginx", "redis-server", "node", "python"])
def test_rules_are_readelfs(need, name):
    need("readelf")
    path = os.path.realpath(PYTHON) if name == "python" else library(name) or shutil.which(name)
    if not path:
        pytest.skip("there is no " + name)
    wanted = rows_of(path)
    if not wanted:
        pytest.skip("readelf finds nothing in it")
    run = subprocess.run([program("cfi_rows"), path], stdout=subprocess.PIPE, check=True,
                         input="".join("%x\n" % address for address, _ in wanted),
                         universal_newlines=True)
    found = run.stdout.splitlines()
    assert len(found) == len(wanted)
    different = ["%x: %r, readelf: %r" % (address, ours, theirs)
                 for (address, theirs), ours in zip(wanted, found) if ours != theirs]
    assert not different, "%d of %d differ: %s" % (len(different), len(wanted), different[:5])
    sys.stdout.write("%d rows of %s\n" % (len(wanted), path))
