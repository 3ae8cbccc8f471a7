# SPDX-License-Identifier: MIT
"""Do functions have these lines? Asks the interpreter itself, by compiling the files anew.

Reads a list of [function, file, line] in JSON, and prints those that are wrong. For Python 2.7 and 3.
"""
import dis
import json
import os
import sys
import types

cache = {}


def lines_of(code):
    if hasattr(code, "co_lines"):
        return {line for _, _, line in code.co_lines() if line} | {code.co_firstlineno}
    return {line for _, line in dis.findlinestarts(code)} | {code.co_firstlineno}


def codes_of(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            for inner in codes_of(constant):
                yield inner


def path_of(file):
    """<frozen importlib._bootstrap> is compiled from the library's source."""
    if file.startswith("<frozen "):
        return os.path.join(os.path.dirname(os.__file__),
                            file[8:-1].replace(".", "/") + ".py")
    return file


def functions_of(file):
    if file not in cache:
        functions = cache[file] = {}
        with open(path_of(file), "rb") as f:
            top = compile(f.read(), file, "exec")
        for code in codes_of(top):
            for name in (code.co_name, getattr(code, "co_qualname", code.co_name)):
                functions.setdefault(name, set()).update(lines_of(code))
    return cache[file]


wrong = [entry for entry in json.load(sys.stdin)
         if entry[2] not in functions_of(entry[1]).get(entry[0], ())]
print(json.dumps(wrong))
