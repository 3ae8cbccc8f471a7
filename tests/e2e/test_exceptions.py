# SPDX-License-Identifier: MIT
"""A C program that loads a C++ plugin keeps libgcc's unwinder for its exceptions.

libunwind exports functions of the same names; what binds to those throws ten times slower.
"""
import glob
import os
import re

import pytest

from traced import program, traces

BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol "
                     r"`(_Unwind_\w+)'")


def bindings(start, tmp_path, preload, capture, **options):
    """[(file, bound to, symbol)] of the unwinder's symbols."""
    plugin = program("plugin") + ".so"
    if not os.path.exists(plugin):
        pytest.skip("the build had no C++ compiler")
    log = str(tmp_path / ("bindings%d" % preload))
    host = start([program("plugin_host"), plugin, capture], preload=preload, keep="always",
                 **options,
                 env={"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": log})
    assert host.wait() == 0, host.err
    assert host.out == "unwound 1000\n"
    text = "".join(open(path).read() for path in glob.glob(log + ".*"))
    return BINDING.findall(text), text


@pytest.mark.parametrize("capture, unwind", [("-", "known"), ("capture", "known"),
                                             ("capture", "audit")])
def test_exceptions_of_a_plugin_use_libgcc(start, tmp_path, directory, capture, unwind):
    native, _ = bindings(start, tmp_path, False, capture)
    found, text = bindings(start, tmp_path, True, capture, unwind=unwind)
    raising = [to for file, to, symbol in found
               if symbol == "_Unwind_RaiseException" and "libstdc++" in file]
    assert raising and all("libgcc_s" in to for to in raising), found
    # libunwind may bind to itself.
    assert [row for row in found if "libunwind" not in row[0]] == native
    assert ("libunwind" in text) == (unwind == "audit")
    assert len(traces(directory)) == (capture == "capture")
