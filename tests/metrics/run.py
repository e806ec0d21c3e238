#!/usr/bin/env python3
"""The metrics and their rules, held against Prometheus' own promtool: what a service shows after some
requests, and deploy/prometheus/. A metric that a rule or a document names is one of the golden file's."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, program

SERVES = r"serves (http://127\.0\.0\.1:\d+)"
RULES = ROOT / "deploy" / "prometheus"
# The metric of a name as an expression or a sentence has it; what has a colon is a rule's own.
NAME = re.compile(r"(?<![\w:])gesso_[a-z0-9_]+")
PERSON = {"email": "ann@example.com", "password": "correct horse"}


def table():
    """Type and labels of each metric, from the golden file."""
    rows = (line.split() for line in (ROOT / "tests" / "api" / "metrics.golden").read_text().splitlines())
    return {name: (kind, labels) for name, kind, *labels in rows}


def unknown(text, metrics):
    """Names of metrics in `text` that are not in the table."""
    found = set()
    for name in NAME.findall(text):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        is_part = family != name and metrics.get(family, ("",))[0] == "histogram"
        # A histogram has no line of its own name.
        is_whole = name in metrics and metrics[name][0] != "histogram"
        if not is_part and not is_whole:
            found.add(name)
    return found


def unknown_labels(text, metrics):
    """Labels that an expression asks of a metric that has no such label."""
    found = set()
    for name, selector in re.findall(r"(?<![\w:])(gesso_[a-z0-9_]+)\{([^}]*)\}", text):
        family = name if name in metrics else re.sub(r"_(bucket|sum|count)$", "", name)
        own = set(metrics.get(family, ("", []))[1]) | {"job", "instance", "le"}
        found |= {f"{name}{{{label}}}" for label in re.findall(r"(\w+)\s*(?:=|!)", selector) if label not in own}
    return found


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True)


def ask(url, path, body=None, token=None):
    request = urllib.request.Request(url + path, json.dumps(body).encode() if body else None)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def scrape(build, checks):
    """What a service shows that has registered, refused, charged and painted."""
    with tempfile.TemporaryDirectory() as folder:
        command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data", "--bcrypt-rounds", "4"]
        with program(command, SERVES) as (process, match):
            url = match.group(1)
            ask(url, "/api/v1/auth/register", PERSON)
            ask(url, "/api/v1/auth/login", {**PERSON, "password": "wrong horse"})
            token = json.loads(ask(url, "/api/v1/auth/login", PERSON))["access_token"]
            ask(url, "/api/v1/generations", {"prompt": "A fox"}, token)
            ask(url, "/nowhere")
            shared = pathlib.Path(f"/dev/shm/mongoc-{process.pid}")
            checks.check("nothing is left in shared memory by who is killed", not shared.exists(), shared)
            # The first sweep, the first look at what waits and the picture come a moment later.
            late = ("gesso_holds_open", "gesso_sweep_changes", "gesso_worker_ends_total")
            until = time.monotonic() + 30
            shown = ask(url, "/metrics")
            while time.monotonic() < until and not all(name in shown for name in late):
                shown = ask(url, "/metrics")
            return shown


def main():
    build, checks, metrics = build_folder(), Checks(), table()
    shown = scrape(build, checks)
    linted = promtool("check", "metrics", text=shown)
    checks.check("promtool finds nothing wrong with /metrics", linted.returncode == 0, linted.stdout + linted.stderr)
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", shown, re.MULTILINE))
    wrong = {name for name, kind in families.items() if metrics.get(name, ("",))[0] != kind}
    checks.check("what is shown is in the golden file", families and not wrong, wrong)
    # There is no vault, and so nothing of its secret; nor a server that charges, or has change streams.
    elsewhere = (
        "gesso_secret_", "gesso_database_request_units_", "gesso_database_rate_limiting_delay_", "gesso_change_stream_",
    )  # fmt: skip
    missing = {name for name in metrics if name not in families and not name.startswith(elsewhere)}
    checks.check("what is in the golden file is shown", not missing, missing)

    checked = promtool("check", "rules", RULES / "gesso.rules.yml")
    checks.check("promtool takes the rules", checked.returncode == 0, checked.stdout + checked.stderr)
    tested = promtool("test", "rules", RULES / "gesso.rules.test.yml")
    checks.check("the rules do what their tests say", tested.returncode == 0, tested.stdout + tested.stderr)
    rules = (RULES / "gesso.rules.yml").read_text()
    tests = (RULES / "gesso.rules.test.yml").read_text()
    for file, text in (("gesso.rules.yml", rules), ("gesso.rules.test.yml", tests)):
        checks.check(f"{file} names metrics that there are", not unknown(text, metrics), unknown(text, metrics))
        checks.check(f"{file} asks for labels that there are", not unknown_labels(text, metrics), unknown_labels(text, metrics))
    checks.check("a name that there is not would be found", unknown("gesso_nothing_total", metrics) == {"gesso_nothing_total"})
    checks.check("a label that there is not would be found", unknown_labels('gesso_mail_done_total{colour="red"}', metrics))

    operations = (ROOT / "docs" / "OPERATIONS.md").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    unsaid = [alert for alert in alerts if f"`{alert}`" not in operations]
    checks.check("docs/OPERATIONS.md says what to do about each alert", alerts and not unsaid, unsaid)
    untested = [alert for alert in alerts if f"alertname: {alert}" not in tests]
    checks.check("each alert has a test", not untested, untested)
    checks.close()


main()
