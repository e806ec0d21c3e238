#!/usr/bin/env python3
"""Builds `bench`, runs every measurement, prints the report and keeps it as bench/report.json.

The machine is shared and noisy: trust ratios, and figures of one run beside each other. Nothing
here decides whether a test passes.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"


def main():
    seconds = sys.argv[1] if len(sys.argv) > 1 else "4"
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "tools" / "build", BUILD, "gesso", "codec_bench", "repository_bench"], check=True)
    report = {}

    codec = subprocess.run(
        [BUILD / "bench" / "codec_bench", "--benchmark_format=json"], capture_output=True, text=True, check=True)
    report["codec_ns"] = {b["name"]: round(b["cpu_time"], 1) for b in json.loads(codec.stdout)["benchmarks"]}
    for name, nanoseconds in report["codec_ns"].items():
        print(f"{name:20} {nanoseconds:8.0f} ns a document")

    repository = subprocess.run(
        [BUILD / "bench" / "repository_bench", "--seconds-per-figure", seconds],
        stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    print("\n".join(repository[:-1]))
    report.update(json.loads(repository[-1]))

    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        subprocess.run(
            [sys.executable, ROOT / "bench" / "service.py", "--build", BUILD, "--seconds", seconds, "--json", file.name],
            check=True)
        service = json.loads(pathlib.Path(file.name).read_text())
    report["service"] = service["service"]
    report["service_peak_memory_mib"] = service["peak_memory_mib"]
    (ROOT / "bench" / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print("kept as bench/report.json")


main()
