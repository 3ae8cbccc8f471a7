# SPDX-License-Identifier: MIT
"""On what it was measured."""
import json
import os
import platform
import re
import shutil
import subprocess

from places import BUILD, LIBRARY, PYTHON, SOURCE

VERSIONS = [["redis-server", "--version"], ["nginx", "-v"], ["wrk", "-v"], ["ab", "-V"],
            ["valgrind", "--version"], ["strace", "--version"], ["bpftrace", "--version"],
            [PYTHON, "--version"]]


def first_line(argv):
    if not shutil.which(argv[0]):
        return "not installed"
    out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         stdin=subprocess.DEVNULL, encoding="utf-8", errors="replace").stdout
    return out.strip().split("\n")[0]


def version(argv):
    line = first_line(argv)
    found = re.search(r"\d+(\.\d+)+\S*", line)
    return found.group() if found else line


def processor():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def build_options():
    """What meson was told, of what matters to the code that comes out."""
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json")) as f:
        options = {one["name"]: one["value"] for one in json.load(f)}
    return {name: options[name] for name in
            ("buildtype", "optimization", "debug", "b_ndebug", "b_lto", "b_sanitize", "c_args")
            if name in options}


def compiler():
    """What the library itself says it was built with."""
    text = subprocess.run(["readelf", "-p", ".comment", LIBRARY], stdout=subprocess.PIPE,
                          encoding="utf-8", errors="replace").stdout
    return re.search(r"\]  (.*)", text).group(1).strip()


def commit():
    return first_line(["git", "-C", SOURCE, "describe", "--always", "--dirty"])


def describe():
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "compiler": compiler(),
        "build": build_options(),
        "closewait": commit(),
        "versions": {os.path.basename(argv[0]): version(argv) for argv in VERSIONS},
    }
