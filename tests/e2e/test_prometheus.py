# SPDX-License-Identifier: MIT
"""closewait scan --prometheus: the file, node_exporter that serves it, Prometheus that alerts."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from scans import NAMESPACE, holder, ready
from traced import COMMAND, DEADLINE, SOURCE, environment, tool, until

EXAMPLES = os.path.join(SOURCE, "examples", "prometheus")
RULES = os.path.join(EXAMPLES, "closewait.rules.yml")
SAMPLE = re.compile(r'^(closewait_[a-z_]+)(?:\{(.*)\})? (\S+)$', re.M)


def samples(text):
    """{(name, labels): value}"""
    return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}


@pytest.fixture
def leak(start):
    def start_it(*arguments, **options):
        one = start(holder(*arguments, **options), preload=False)
        ready(one)
        return one
    return start_it


@pytest.fixture
def directory_of_metrics(tmp_path):
    """Where node_exporter, which runs as this user, reads."""
    place = tmp_path / "textfile"
    place.mkdir()
    return place


def test_file_has_what_was_found(leak, closewait, directory_of_metrics, need):
    need("promtool")
    one = leak("unread=3", "data=2", "read=4", "reset=1")
    path = directory_of_metrics / "closewait.prom"
    done = closewait("scan", "--pid", one.pid, "--prometheus", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(directory_of_metrics) == ["closewait.prom"]
    text = path.read_text()
    found = samples(text)
    labels = 'command="python3",pid="%d"' % one.pid
    assert found["closewait_sockets", labels + ',eof="unread"'] == 5
    assert found["closewait_sockets", labels + ',eof="read"'] == 4
    assert found["closewait_unread_bytes", labels] == 10
    assert found["closewait_detached_sockets", labels] == 1
    assert found["closewait_open_fds", labels] == len(os.listdir("/proc/%d/fd" % one.pid))
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=text,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             encoding="utf-8")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_standard_output_has_the_metrics_alone(closewait):
    done = closewait("scan", "--prometheus", "-")
    assert done.returncode == 0
    assert done.stdout.startswith("# HELP closewait_sockets ")
    assert done.stderr.startswith("closewait: scan: ")


def test_file_that_cannot_be_written_whole_leaves_the_old_one(closewait, directory_of_metrics):
    path = directory_of_metrics / "closewait.prom"
    path.write_text("as it was\n")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    done = subprocess.run([COMMAND, "scan", "--prometheus", path], preexec_fn=limit,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          restore_signals=False, timeout=DEADLINE)
    assert done.returncode == 2
    assert done.stderr == "closewait: %s: File too large\n" % path
    assert path.read_text() == "as it was\n"
    assert os.listdir(directory_of_metrics) == ["closewait.prom"]


def test_file_is_on_the_disk_before_it_has_its_name(closewait, directory_of_metrics, need,
                                                    tmp_path):
    need("strace")
    path = directory_of_metrics / "closewait.prom"
    log = tmp_path / "log"
    done = subprocess.run(["strace", "-f", "-o", str(log), "-e",
                           "trace=fsync,rename,renameat,renameat2",
                           COMMAND, "scan", "--prometheus", str(path)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=DEADLINE)
    if "ptrace" in done.stderr.decode() and done.returncode:
        pytest.skip("strace may not trace here")
    calls = re.findall(r"\b(fsync|rename)(?:at2?)?\(.*= 0$", log.read_text(), re.M)
    assert calls == ["fsync", "rename"]


# The examples

def test_rules_are_understood(need):
    need("promtool")
    for what, path in (("rules", RULES), ("config", os.path.join(EXAMPLES, "prometheus.yml"))):
        done = subprocess.run([tool("promtool"), "check", what, path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8")
        assert done.returncode == 0, done.stdout


def names_in(text):
    return set(re.findall(r"\bclosewait_[a-z_]+", text))


@pytest.mark.parametrize("name", ["closewait.rules.yml", "grafana-dashboard.json", "README.md"])
def test_examples_name_metrics_that_there_are(closewait, name):
    families = set(re.findall(r"^# TYPE (\S+)", closewait("scan", "--prometheus", "-").stdout,
                              re.M))
    with open(os.path.join(EXAMPLES, name)) as f:
        named = names_in(f.read())
    assert named and named <= families
    if name == "README.md":
        assert named == families


def test_dashboard_is_whole():
    with open(os.path.join(EXAMPLES, "grafana-dashboard.json")) as f:
        dashboard = json.load(f)
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["targets"] and all(names_in(t["expr"]) for t in panel["targets"])
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_units_are_understood_by_systemd(need, tmp_path, closewait):
    need("systemd-analyze")
    for name in ("closewait-scan.service", "closewait-scan.timer"):
        with open(os.path.join(EXAMPLES, name)) as f:
            text = f.read()
        (tmp_path / name).write_text(text.replace("/usr/local/bin/closewait", COMMAND))
        if name.endswith(".service"):
            line = re.search(r"^ExecStart=\S+ scan (.*)$", text, re.M).group(1).split()
    done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                           str(tmp_path / "closewait-scan.service"),
                           str(tmp_path / "closewait-scan.timer")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          timeout=DEADLINE)
    told = [line for line in done.stdout.splitlines() if "closewait" in line]
    assert told == [] and done.returncode == 0, done.stdout
    line[line.index("--prometheus") + 1] = tmp_path / "closewait.prom"
    assert closewait("scan", *line).returncode == 0


def test_capabilities_of_the_unit_see_all(leak, need, tmp_path):
    """What the service leaves root is what it takes: another user's process, another namespace."""
    if os.geteuid() != 0:
        pytest.skip("root is needed")
    need("setpriv", "unshare", "ip")
    with open(os.path.join(EXAMPLES, "closewait-scan.service")) as f:
        kept = re.search(r"^CapabilityBoundingSet=(.*)$", f.read(), re.M).group(1).split()
    bounding = ",".join(["-all"] + ["+" + name[len("CAP_"):].lower() for name in kept])
    one = leak("unread=3", prefix=NAMESPACE + ["setpriv", "--reuid", "65534", "--clear-groups"])
    path = tmp_path / "closewait.prom"
    done = subprocess.run(["setpriv", "--bounding-set", bounding, "--inh-caps", "-all",
                           "--no-new-privs", COMMAND, "scan", "--prometheus", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    found = samples(path.read_text())
    assert found['closewait_sockets', 'command="python3",pid="%d",eof="unread"' % one.pid] == 3
    assert found['closewait_hidden_namespaces', ''] == 0


# The real programs

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port, path):
    """The answer, or None while nobody listens."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path),
                                    timeout=DEADLINE) as answer:
            return answer.read().decode("utf-8")
    except (urllib.error.URLError, ConnectionError):
        return None


@pytest.fixture
def exporter(start, need, directory_of_metrics):
    """node_exporter with that directory; its port."""
    program = need("prometheus-node-exporter")
    port = free_port()
    start([program, "--collector.disable-defaults", "--collector.textfile",
           "--collector.textfile.directory=%s" % directory_of_metrics,
           "--web.listen-address=127.0.0.1:%d" % port], preload=False)
    until(lambda: get(port, "/metrics"), "node_exporter to answer")
    return port


def test_node_exporter_serves_the_file(leak, closewait, exporter, directory_of_metrics):
    one = leak("unread=3")
    path = directory_of_metrics / "closewait.prom"
    assert closewait("scan", "--prometheus", path).returncode == 0
    served = get(exporter, "/metrics")
    assert re.search(r"^node_textfile_scrape_error 0$", served, re.M), served
    assert re.search(r'^closewait_sockets\{command="python3",eof="unread",pid="%d"\} 3$'
                     % one.pid, served, re.M)
    # Every family and every sample, in whatever order.
    written = samples(path.read_text())
    assert len(samples(served)) == len(written)


@pytest.mark.long
def test_prometheus_alerts_on_a_leaking_server(leak, start, need, closewait, exporter,
                                               directory_of_metrics, tmp_path):
    """The rules of the example, with seconds for their minutes."""
    program = need("prometheus")
    with open(RULES) as f:
        rules = f.read()
    rules, shortened = re.subn(r"\bfor: \d+m$", "for: 1s", rules, flags=re.M)
    assert shortened == 3 and "_age_seconds > 60" in rules
    (tmp_path / "closewait.rules.yml").write_text(rules.replace("_age_seconds > 60",
                                                                "_age_seconds > 1"))
    with open(os.path.join(EXAMPLES, "prometheus.yml")) as f:
        config = f.read()
    config = re.sub(r"_interval: \d+s", "_interval: 1s", config)
    config = config.replace("localhost:9100", "127.0.0.1:%d" % exporter)
    (tmp_path / "prometheus.yml").write_text(config)
    port = free_port()
    start([program, "--config.file=%s" % (tmp_path / "prometheus.yml"),
           "--storage.tsdb.path=%s" % (tmp_path / "tsdb"),
           "--web.listen-address=127.0.0.1:%d" % port], preload=False)

    healthy = leak("unread=9")
    leaking = leak("unread=12")

    def alerts():
        closewait("scan", "--prometheus", directory_of_metrics / "closewait.prom")
        answer = get(port, "/api/v1/alerts")
        found = json.loads(answer)["data"]["alerts"] if answer else []
        return [alert["labels"] for alert in found
                if alert["state"] == "firing" and alert["labels"]["alertname"] == "CloseWaitLeak"
                and alert["labels"]["pid"] in (str(leaking.pid), str(healthy.pid))]
    firing = until(alerts, "the alert to fire", 2 * DEADLINE)
    assert [labels["pid"] for labels in firing] == [str(leaking.pid)]
    assert firing[0]["command"] == "python3" and firing[0]["instance"].endswith(str(exporter))
    # It ends with the process.
    leaking.end()
    until(lambda: not alerts(), "the alert to be over", 2 * DEADLINE)
