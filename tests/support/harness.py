"""What the script suites share: named checks, and servers that are always ended."""

import argparse
import contextlib
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Checks:
    """Counts named checks and prints the closing line."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {detail}", flush=True)
        return good

    def run(self, name, function, *arguments):
        """A check that fails by raising."""
        try:
            function(*arguments)
            self.passed += 1
        except Exception:
            self.failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)

    def absorb(self, name, command, **options):
        """Runs another script and adds the counts of its last line."""
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
        )
        closing = re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
        passed, failed = map(int, closing[-1]) if closing else (0, 0)
        if (done.returncode != 0 or passed == 0) and failed == 0:
            failed = 1
        if failed:
            print(f"---- {name}, exit status {done.returncode}\n{done.stdout}", flush=True)
        self.passed += passed
        self.failed += failed

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


def build_folder():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    return parser.parse_args().build.resolve()


@contextlib.contextmanager
def program(command, until, seconds=60, **options):
    """Starts a server and waits for the line that matches `until`; yields (process, match).

    `process.log` is the file of all that it prints."""
    with tempfile.NamedTemporaryFile("w+", errors="replace", suffix=".log") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)
        process.log = pathlib.Path(log.name)
        try:
            yield process, wait_for_line(process, log.name, until, seconds)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            text = pathlib.Path(log.name).read_text(errors="replace")
            if "Sanitizer" in text or "runtime error" in text:
                raise AssertionError(f"{command[0]} printed:\n{text[-8000:]}")


def wait_for_line(process, path, until, seconds):
    deadline = time.monotonic() + seconds
    while True:
        text = pathlib.Path(path).read_text(errors="replace")
        match = re.search(until, text, re.MULTILINE)
        if match:
            return match
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before {until!r}:\n{text[-8000:]}")
        if time.monotonic() > deadline:
            raise AssertionError(f"no {until!r} within {seconds} s:\n{text[-8000:]}")
        with contextlib.suppress(OSError):
            select.select([], [], [], 0.02)  # the log is a file: look again shortly
