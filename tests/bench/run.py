#!/usr/bin/env python3
"""The yardstick itself, without measuring: its list of cases, its arithmetic, the shape of its files; and what bad shard
keys do."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import ROOT, Checks, build_folder

sys.path.insert(0, str(ROOT / "bench"))
from yardstick import report, rounds

REPORT = {"format", "started", "took_seconds", "rounds", "seconds", "documents", "machine", "commit", "versions", "rows", "failed"}  # fmt: skip
ROW = {"case", "what", "unit", "ours", "peer_name", "peer", "ratio", "lowest", "highest", "aim", "rounds", "details"}


def lists(checks):
    listed = subprocess.run([sys.executable, ROOT / "bench" / "run.py", "--list"], capture_output=True, text=True)
    checks.check("bench/run.py --list ends well", listed.returncode == 0, listed.stderr)
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    checks.check("the cases of both halves are there", {"service", "find-id", "insert", "beside"} <= set(names), names)
    unknown = subprocess.run([sys.executable, ROOT / "bench" / "run.py", "no-such"], capture_output=True, text=True)
    checks.check("an unknown case is refused before anything is built", unknown.returncode == 2, unknown.stderr)


def arithmetic(checks):
    pairs = rounds.alternate(1, lambda: {"per_second": 30.0}, lambda: {"per_second": 10.0})
    pairs += [({"per_second": 10.0}, {"per_second": 10.0}), ({"per_second": 20.0}, {"per_second": 10.0})]
    made = rounds.row("case", "what", "1/s", pairs, "per_second", "peer", rounds.ratio_at_least(2))
    checks.check("the ratio is the median of the rounds'", made.ratio == 2.0, made.ratio)
    checks.check("the spread is the lowest and the highest", (made.lowest, made.highest) == (1.0, 3.0), made)
    shown = made.to_json()
    checks.check("a row has its fields", set(shown) == ROW, set(shown) ^ ROW)
    checks.check("an aim that is reached is met", shown["aim"]["met"], shown["aim"])
    checks.check("a row is a line of the table", "| 20 | 10 | peer | 2 | 1 .. 3 | ratio >= 2 | met |" in rounds.table([shown])[-1], rounds.table([shown]))
    missed = rounds.row("case", "what", "1/s", pairs, "per_second", "peer", rounds.at_most(19)).to_json()
    checks.check("an aim that is missed is not met", not missed["aim"]["met"], missed["aim"])


def kept(checks):
    document = report.DOCUMENT.read_text()
    for path in sorted(report.RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        checks.check(f"{path.name} has its fields", set(result) == REPORT, set(result) ^ REPORT)
        checks.check(f"{path.name} has rows of one shape", all(set(row) == ROW for row in result["rows"]), "")
        checks.check(f"{path.name} has five rounds", result["rounds"] >= 5, result["rounds"])
        checks.check(f"{path.name} stands in RESULTS.md", report.heading(result) in document, path.name)
    checks.check("RESULTS.md says what it is", document.startswith("# Results"), document[:100])
    pinned = (ROOT / "bench" / "peer" / "requirements.txt").read_text().split()
    checks.check("what the peer needs is pinned", all(re.fullmatch(r"\S+==[\d.]+", one) for one in pinned), pinned)


def partitions(checks, build):
    command = [sys.executable, ROOT / "bench" / "partitions.py", "--quick", "--gesso", build / "gesso"]
    ran = subprocess.run(command, capture_output=True, text=True)
    checks.check("bench/partitions.py --quick ends well", ran.returncode == 0, ran.stderr)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in ran.stdout.splitlines() if line.startswith("| `")]
    rows = {(cell[0].split("`")[1], int(cell[1])): cell for cell in cells}
    checks.check("three keys on one and on three partitions", len(rows) == 6, ran.stdout)
    fullest = {case: int(row[6].rstrip("%")) for case, row in rows.items()}
    taken = {case: float(row[4].replace(",", "")) for case, row in rows.items()}
    checks.check("one value lies in one partition", fullest["status", 3] == 100, ran.stdout)
    checks.check("random ones are spread", fullest["_id", 3] < 50, ran.stdout)
    checks.check("three partitions take more than one of what is spread", taken["_id", 3] > 1.5 * taken["_id", 1], ran.stdout)
    checks.check("and no more of what is not", taken["status", 3] < 1.5 * taken["status", 1], ran.stdout)


def main():
    build = build_folder()
    checks = Checks()
    lists(checks)
    arithmetic(checks)
    kept(checks)
    partitions(checks, build)
    checks.close()


main()
