# SPDX-License-Identifier: MIT
"""What is allowed. Each budget names the figure it is about, its limit and its unit."""


class Budget:
    def __init__(self, name, limit, unit, figure):
        self.name = name
        self.limit = limit
        self.unit = unit
        self.figure = figure  # of the results; None: not measured

    def verdict(self, results):
        """None if it was not measured, else (figure, kept)."""
        try:
            value = self.figure(results)
        except (KeyError, TypeError):
            return None
        return None if value is None else (value, value <= self.limit)


def over_empty(name):
    return lambda results: results["workloads"][name]["closewait"]["over_empty"][1]


def ratio(name):
    return lambda results: results["workloads"][name]["closewait"]["ratio"][1]


def figure(*path):
    def find(results):
        for name in path:
            results = results[name]
        return results
    return find


def live(name):
    """What was not recorded costs neither time nor memory."""
    return lambda results: None if results["live"]["lost"] else results["live"][name]


ALL = [
    Budget(name + ": CPU over the empty interposer", 0.01, "of native", over_empty(name))
    for name in ("messages", "redis-P1", "redis-P16", "nginx-keep-alive")
] + [
    Budget(name + ": CPU against native", limit, "x", ratio(name))
    for name, limit in (("short", 1.03), ("nginx-short", 1.03), ("fork", 1.20),
                        ("threads", 1.03), ("python-threads", 1.03),
                        ("python-asyncio", 1.03))
] + [
    Budget("recv with data over a bare pass-through", 3, "ns",
           figure("calls", "recv", "over_empty")),
    Budget("accept, EOF and close, four stacks of depth 10, warm", 800, "ns",
           figure("calls", "connection-10", "over_empty")),
    Budget("Python stack of depth 10, warm", 300, "ns", figure("python", "10", "worst")),
    Budget("Python stack of depth 30, warm", 1000, "ns", figure("python", "30", "worst")),
    Budget("1,000,000 live sockets against 10: time of a call", 1.5, "x",
           live("time_ratio")),
    Budget("1,000,000 live sockets: memory of each", 160, "bytes",
           live("bytes_each")),
    Budget("1,000,000 live sockets: not recorded", 0, "sockets", figure("live", "lost")),
    Budget("report of 100,000 leaked sockets at exit", 1, "s", figure("exit", "seconds")),
    Budget("a program without a socket: start and exit", 0.3, "ms more",
           figure("start", "ms_more")),
]
