# SPDX-License-Identifier: MIT
"""The results as text."""


def columns(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def machine(about):
    lines = ["%(processor)s, %(processors)d processors, load %(load).1f; Linux %(kernel)s, "
             "%(libc)s" % about,
             "closewait %(closewait)s, %(compiler)s" % about,
             "built with " + ", ".join("%s=%s" % (name, value)
                                       for name, value in sorted(about["build"].items()))]
    return "\n".join(lines + [", ".join("%s %s" % one
                                        for one in sorted(about["versions"].items()))])


def workload(name, result):
    """One row for each thing it was measured under."""
    rows = []
    for under, one in result.items():
        low, middle, high = one["ratio"]
        row = [name, under, "%.0f ns" % one["ns"]]
        row += ["", ""] if under == "native" else ["%.3f" % middle, "%.3f-%.3f" % (low, high)]
        over = one.get("over_empty")
        row.append("%+.3f (%+.3f to %+.3f)" % (over[1], over[0], over[2]) if over else "")
        rows.append(row)
    return rows


WORKLOAD_HEAD = ["workload", "under", "CPU each", "ratio", "quartiles", "over empty"]


def calls(found):
    rows = [["call", "closewait", "empty", "over it", "instructions more"]]
    counted = found.get("instructions", {})
    for name, one in found["calls"].items():
        rows.append([name] + ["%.1f ns" % one[key] for key in ("ns", "empty", "over_empty")] +
                    ["%.0f" % counted[name] if name in counted else ""])
    return columns(rows)


def live(found):
    rows = [["live sockets", "connection", "read on any", "memory more"]]
    for count, one in found["sockets"].items():
        rows.append([count, "%.0f ns" % one["connection"]["over_empty"],
                     "%.1f ns" % one["recv-any"]["over_empty"],
                     "%.1f MiB" % (one["bytes_more"] / 2 ** 20)])
    return columns(rows) + "\n%.2f times the time, %.0f bytes a socket, %d not recorded" % (
        found["time_ratio"], found["bytes_each"], found["lost"])


def python(found):
    depths = list(found)
    rows = [["Python stacks"] + ["depth " + depth for depth in depths]]
    for name in found[depths[0]]:
        rows.append([name] + ["%.0f ns" % found[depth][name] for depth in depths])
    return columns(rows)


def leaks(found):
    return ("report at exit: %(measured_seconds).3f s of CPU for %(measured_sockets)d leaked "
            "sockets, so %(seconds).2f s for 100,000" % found)


def start(found):
    return ("/bin/true: %(native_ms).2f ms of CPU, under closewait %(ms).2f ms; "
            "%(ms_more).3f ms more" % found)


def verdicts(all_budgets, results):
    rows = [["budget", "limit", "measured", ""]]
    for budget in all_budgets:
        verdict = budget.verdict(results)
        measured = "not measured" if verdict is None else "%.4g" % verdict[0]
        rows.append([budget.name, "%g %s" % (budget.limit, budget.unit), measured,
                     "" if verdict is None or verdict[1] else "MISSED"])
    return columns(rows)
