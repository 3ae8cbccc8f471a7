# SPDX-License-Identifier: MIT
"""Servers that are alive at once, and the load going from one to the other in short slices.

In a round each is measured once, in an order that changes from round to round; ratios are
those within a round, so that what the machine does to all of them cancels out. The servers are
begun afresh every few rounds: where a program happens to lie in memory is worth a percent.
"""
import statistics

import against as under
from server import Server

ROUNDS_A_START = 3


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def one_round(servers, turn):
    """There and back, so that what changes steadily meanwhile meets all of them alike."""
    order = servers[turn:] + servers[:turn]
    taken = {server.against.name: 0 for server in servers}
    for server in order + order[::-1]:
        taken[server.against.name] += server.measure() / 2
    return taken


def one_start(workload, kinds, rounds, first, samples):
    servers = []
    try:
        for kind in kinds:
            servers.append(Server(workload, kind))
        for server in servers:
            server.warm_up()
        for i in range(rounds):
            samples.append(one_round(servers, (first + i) % len(servers)))
    finally:
        for server in servers:
            server.end()


def measure(workload, others, pairs):
    """A list of rounds: {name: ns of CPU for each operation}."""
    samples = []
    kinds = [under.NATIVE, under.TRACED] + others
    while len(samples) < pairs:
        one_start(workload, kinds, min(ROUNDS_A_START, pairs - len(samples)), len(samples),
                  samples)
    return samples


def summary(samples):
    """{name: {"ns": median, "ratio": [lower quartile, median, upper quartile]}}, and under
    "closewait" how far it lies over the empty interposer in the same rounds."""
    result = {}
    for name in samples[0]:
        ratios = [one[name] / one["native"] for one in samples]
        result[name] = {"ns": statistics.median(one[name] for one in samples),
                        "ratio": list(quartiles(ratios)), "pairs": len(samples)}
    if "empty" in samples[0]:
        over = [(one["closewait"] - one["empty"]) / one["native"] for one in samples]
        result["closewait"]["over_empty"] = list(quartiles(over))
    return result
