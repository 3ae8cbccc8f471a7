# SPDX-License-Identifier: MIT
"""A trace as a big server might leave it is reported on in little time and memory."""
import json
import subprocess

import pytest

from traced import COMMAND, PYTHON, is_sanitized, program

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def test_100000_leaks_in_50_groups_are_quick_and_small(tmp_path, schema):
    big, path = str(tmp_path / "big.cwtrace"), tmp_path / "big.json"
    subprocess.run([program("big_trace"), big, "100000", "50"], check=True)
    out = subprocess.run([PYTHON, "-c", MEASURE, COMMAND, "report", "--json", str(path), big],
                         check=True, stdout=subprocess.PIPE).stdout
    seconds, kib = (float(word) for word in out.split())
    document = json.loads(path.read_text())
    schema.validate(document)
    assert document["summary"]["leaks"] == 100000 and len(document["groups"]) == 50
    assert all(len(g["sockets"]) == 20 and g["sockets_omitted"] == 1980
               for g in document["groups"])
    if is_sanitized():
        pytest.skip("time and memory are the sanitizers'")
    assert seconds < 2, "%g s" % seconds
    assert kib < 200 * 1024, "%g KiB" % kib
