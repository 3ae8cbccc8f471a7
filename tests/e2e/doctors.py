# SPDX-License-Identifier: MIT
"""Asks closewait doctor, and looks whether it told the truth."""
import os
import platform
import re
import subprocess

from traced import COMMAND, DEADLINE, LIBRARY, environment

NOBODY = 65534
HELP = "CLOSEWAIT_OPTIONS=key=value"
LOADER_ALONE = {"x86_64": "/lib64/ld-linux-x86-64.so.2",
                "aarch64": "/lib/ld-linux-aarch64.so.1"}[platform.machine()]
OTHER_MACHINE = {"x86_64": (183, "aarch64"),
                 "aarch64": (62, "x86-64")}[platform.machine()]
HELLO = """
#include <stdio.h>
static __attribute__((noinline)) int hello(void) { return puts("hello") < 0; }
int main(void) { return hello(); }
"""


class Told:
    """What the command said."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout
        assert done.stderr == "", done.stderr
        head, *rest = done.stdout.splitlines()
        self.command, self.verdict = re.match(
            r"closewait doctor: (.*) (can be traced(?: in part)?|cannot be traced)$",
            head).groups()
        assert rest and len(rest) < 23, self.text  # one screen
        self.rows = [re.match(r"  (\w+) +(\S.*)$", line).groups() for line in rest]
        assert self.status == (1 if self.verdict == "cannot be traced" else 0)

    def of(self, label):
        return [text for name, text in self.rows if name == label]

    def one(self, label):
        assert len(self.of(label)) == 1, self.text
        return self.of(label)[0]


def run(argv, env=None, user=None, cwd=None):
    def become():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="replace", timeout=DEADLINE, cwd=cwd,
                          env=dict(environment(False, None, None), **(env or {})),
                          preexec_fn=become if user is not None else None)


def doctor(*argv, command=COMMAND, **surroundings):
    return Told(run([command, "doctor"] + list(argv), **surroundings))


def loaded(*argv, preload=LIBRARY, env=None, **surroundings):
    """How many program images the library was loaded into."""
    done = run(argv, env=dict({"LD_PRELOAD": preload, "CLOSEWAIT_OPTIONS": "help=1"},
                              **(env or {})), **surroundings)
    return done.stderr.count(HELP)


def can(told):
    return told.verdict == "can be traced"


def cannot(told):
    return told.verdict == "cannot be traced"
