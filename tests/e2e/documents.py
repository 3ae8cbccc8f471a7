# SPDX-License-Identifier: MIT
"""What the command's texts say of verbs and options: --help, man pages, completions, README."""
import os
import re
import subprocess

from traced import COMMAND, DEADLINE, SOURCE

OPTION = r"--[a-z][a-z-]*"


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def help_of(*verb):
    return subprocess.check_output([COMMAND] + list(verb) + ["--help"], encoding="utf-8",
                                   timeout=DEADLINE)


def verbs():
    """Those of `closewait --help`, which begin a line."""
    found = re.findall(r"^  ([a-z]+) +(?:[A-Z\[].*  +|  +)\S", help_of(), re.M)
    assert "run" in found and "clean" in found, found
    return found


def options(verb):
    """Those of `closewait VERB --help`; each verb has --help, mentioned or not."""
    text = help_of(*filter(None, [verb]))
    if not verb:
        text = text.replace("closewait VERB --help", "")
    return set(re.findall(r"(?<![\w-])" + OPTION, text)) | {"--help"}


def words():
    """The verdicts and faults that `closewait explain` knows."""
    listed = subprocess.check_output([COMMAND, "explain"], encoding="utf-8", timeout=DEADLINE)
    return [line.split()[0] for line in listed.splitlines()]


def keys():
    """The keys of CLOSEWAIT_OPTIONS that help=1 prints, with the defaults in parentheses."""
    text = read("preload", "options.c")
    text = text[text.index("options_help[]"):]
    text = text[:text.index(";\n")]
    return dict(re.findall(r'"  ([a-z_]+)=.*?(?:\((?:[^()]*; )?([^()]*)\))?\\n"', text))
