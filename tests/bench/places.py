# SPDX-License-Identifier: MIT
"""Where things lie."""
import glob
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("CLOSEWAIT_BUILD", os.path.join(SOURCE, "build-tests")))
PYTHON = "/usr/bin/python3"
LIBRARY = os.path.join(BUILD, "preload", "libclosewait.so")
COMMAND = os.path.join(BUILD, "tools", "closewait")


def program(name):
    return os.path.join(BUILD, "tests", "bench", "bench_" + name)


def pythons():
    """The interpreters to measure: Debian's, and those that pyenv has built."""
    return [PYTHON] + sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
