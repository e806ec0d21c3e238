#!/usr/bin/env python3
"""Builds what the chosen suites need, runs them and closes with `N passed, N failed`.

A suite is a GoogleTest program, or a script whose last line is `N passed, N failed`. What a failing
suite printed is shown whole; a passing one takes a line, and those that it began with "report: ".
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
ROOM = re.compile(r"^gesso_test\((\S+)", re.MULTILINE)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
REPORT = re.compile(r"^report: (.*)$", re.MULTILINE)
LONGEST_FIRST = ["consumer", "goodput", "crash", "deploy", "vault", "rotation"]  # so that nothing long is left to the end
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={HERE}/tsan.supp",
}
# Suites once more on other kinds of server (support/tested_dialect.hpp). With 400 request units a second
# they wait for more than ten minutes each, and run only where they are named.
RU = {"GESSO_TEST_COSMOS_RU": "400"}
DIALECTS = {
    "on_ru": RU,
    "on_sharded_ru": {**RU, "GESSO_TEST_COSMOS_SHARDED": "1"},
    "on_documentdb": {"GESSO_TEST_DOCUMENTDB": "1"},
}
AGAIN = ["repositories", "domain", "api"]
# Scripts ask one server more, from one address and as one user, than anybody may.
LOADS = {"GESSO_LIMITS": "*.* = unlimited"}


class Suite:
    def __init__(self, name, command, target, minutes=10, kind="script", environment=None, when_named=False):
        self.name, self.command, self.minutes, self.kind = name, command, minutes, kind
        self.environment = environment or {}
        self.when_named = when_named  # not among those of a plain ./test
        self.target = target  # what has to be built before it runs


def suites(build):
    found = []
    for room in ROOM.findall((HERE / "CMakeLists.txt").read_text()):
        name = room.replace("/", "_")
        program = str(build / "tests" / f"test_{name}")
        found.append(Suite(name, [program], target=f"test_{name}", kind="gtest"))
        for how, environment in DIALECTS.items() if name in AGAIN else ():
            found.append(Suite(f"{name}_{how}", [program], target=f"test_{name}", kind="gtest",
                               minutes=60, environment=environment, when_named=True))
    for script in sorted(HERE.glob("*/run.py")):
        command = [sys.executable, str(script), "--build", str(build)]
        found.append(Suite(script.parent.name, command, target="all", minutes=15))
    return found


def run(suite):
    """Returns passed, failed, seconds, output."""
    started = time.monotonic()
    command, report = list(suite.command), None
    if suite.kind == "gtest":
        report = tempfile.NamedTemporaryFile(suffix=".json", delete=False)
        report.close()
        command.append(f"--gtest_output=json:{report.name}")
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**SANITIZERS, **(LOADS if suite.kind == "script" else {}), **os.environ,
                 **suite.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=suite.minutes * 60,
            errors="replace",
        )
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") + f"\nno end after {suite.minutes} minutes"
        status = 124
    seconds = time.monotonic() - started

    passed = failed = 0
    if suite.kind == "gtest":
        try:
            counts = json.loads(pathlib.Path(report.name).read_text())
            failed = counts["failures"] + counts["errors"]
            skipped = sum(t.get("result") == "SKIPPED" for s in counts["testsuites"] for t in s["testsuite"])
            passed = counts["tests"] - failed - counts["disabled"] - skipped
        except (ValueError, OSError):
            pass  # it died before it could write
        os.unlink(report.name)
    else:
        closing = CLOSING.findall(output)
        if closing:
            passed, failed = map(int, closing[-1])
    if (status != 0 or passed == 0) and failed == 0:
        failed = 1
        output += f"\n{suite.name}: exit status {status}, {passed} tests reported"
    return passed, failed, seconds, output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--list", action="store_true", help="show the suites")
    parser.add_argument("names", nargs="*", help="only these suites")
    options = parser.parse_args()
    build = (ROOT / options.build).resolve()

    chosen = suites(build)
    if options.list:
        print("\n".join(suite.name for suite in chosen))
        return 0
    if options.names:
        unknown = set(options.names) - {suite.name for suite in chosen}
        if unknown:
            parser.error(f"no such suite: {', '.join(sorted(unknown))}")
        chosen = [suite for suite in chosen if suite.name in options.names]
    else:
        chosen = [suite for suite in chosen if not suite.when_named]

    # A room's tests need their program alone, a script may need any.
    targets = sorted({suite.target for suite in chosen}) if options.names else ["all"]
    started = time.monotonic()
    built = subprocess.run([ROOT / "tools" / "build", build, *targets], cwd=ROOT)
    if built.returncode != 0:
        print("the build failed\n0 passed, 1 failed")
        return 1
    print(f"built in {time.monotonic() - started:.0f} s", flush=True)

    chosen.sort(key=lambda suite: LONGEST_FIRST.index(suite.name) if suite.name in LONGEST_FIRST else len(LONGEST_FIRST))
    passed = failed = 0
    broken = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        running = {pool.submit(run, suite): suite for suite in chosen}
        for future in concurrent.futures.as_completed(running):
            suite = running[future]
            good, bad, seconds, output = future.result()
            passed, failed = passed + good, failed + bad
            if bad:
                broken.append(suite.name)
                print(output)
            for line in REPORT.findall(output) if not bad else []:
                print(f"{suite.name}: {line}")
            print(f"{suite.name:14} {good:5} passed {bad:3} failed {seconds:7.1f} s", flush=True)
    if broken:
        print("failed: " + ", ".join(sorted(broken)))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
