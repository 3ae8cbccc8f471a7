# SPDX-License-Identifier: MIT
"""Adds up meson's and pytest's results: prints one line, and fails if anything failed.

Usage: count.py {TESTLOG.json|JUNIT.xml} STATUS …
A run that ended badly and left no failed test behind (it crashed) counts as one failure.
"""
import json
import os
import sys
import xml.etree.ElementTree


def unit_results(path):
    """meson writes one JSON object a line."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if os.path.exists(path):
        with open(path) as log:
            for line in log:
                result = json.loads(line)["result"]
                kind = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
                counts[kind.get(result, "failed")] += 1
    return counts


def e2e_results(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if os.path.exists(path):
        for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
            failed = int(suite.get("failures")) + int(suite.get("errors"))
            skipped = int(suite.get("skipped"))
            counts["failed"] += failed
            counts["skipped"] += skipped
            counts["passed"] += int(suite.get("tests")) - failed - skipped
    return counts


def main(*results):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for path, status in zip(results[0::2], results[1::2]):
        counts = unit_results(path) if path.endswith(".json") else e2e_results(path)
        if int(status) and not counts["failed"]:
            counts["failed"] = 1
        for kind in total:
            total[kind] += counts[kind]
    line = "%(passed)d passed, %(failed)d failed" % total
    if total["skipped"]:
        line += ", %(skipped)d skipped" % total
    print(line)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
