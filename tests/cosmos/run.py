#!/usr/bin/env python3
"""pymongo against `gesso localdb --dialect cosmos-ru`: what an account of Cosmos DB does to a client."""

import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder, program
from support.venv import python_with


def main():
    build, checks = build_folder(), Checks()
    python = python_with("pymongo==4.15.4")
    with tempfile.TemporaryDirectory() as folder:
        for script in sorted(HERE.glob("*_test.py")):
            # Each says in its first line which account it wants.
            wanted = script.read_text().splitlines()[0].removeprefix("# account:").split()
            command = [build / "gesso", "localdb", "--dialect", "cosmos-ru", "--listen", "127.0.0.1:0"]
            command += ["--data-dir", f"{folder}/{script.stem}", *wanted]
            with program(command, r"mongodb://127\.0\.0\.1:(\d+)") as (_, match):
                checks.absorb(script.stem, [python, script, f"mongodb://127.0.0.1:{match.group(1)}/"])
    checks.close()


main()
