#!/usr/bin/env python3
"""What the usual MongoDB tutorial does, on Azure Cosmos DB for MongoDB (RU): each habit fails there in
its own way, shown with pymongo (tutorial.py) on `gesso localdb --dialect cosmos-ru`; and the same
need met by Gesso on the same kind of server, shown by what the service and its database say then
(ours.py). A trap has both halves, so that neither can pass alone."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks, build_folder
from support.venv import python_with

HERE = pathlib.Path(__file__).resolve().parent
PYMONGO = "pymongo==4.15.4"


def outcomes(python, half, build):
    """{trap: {"good": ..., "said": ...}} as the script prints it, a line a trap."""
    run = subprocess.run([python, HERE / f"{half}.py", build / "gesso"], capture_output=True, text=True, timeout=600)
    if run.returncode != 0:
        raise AssertionError(f"{half}.py ended with {run.returncode}:\n{run.stdout[-4000:]}\n{run.stderr[-8000:]}")
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {line["trap"]: line for line in lines}


def main():
    checks, build = Checks(), build_folder()
    python = python_with(PYMONGO)
    fails, holds = outcomes(python, "tutorial", build), outcomes(python, "ours", build)
    checks.check("every trap has both halves", set(fails) == set(holds), set(fails) ^ set(holds))
    for trap in sorted(set(fails) & set(holds)):
        checks.check(f"{trap}: the tutorial fails as described", fails[trap]["good"], fails[trap]["said"])
        checks.check(f"{trap}: Gesso does not", holds[trap]["good"], holds[trap]["said"])
        print(f"  {trap}\n    tutorial: {fails[trap]['said'][:160]}\n    gesso:    {holds[trap]['said'][:160]}")
    checks.close()


if __name__ == "__main__":
    main()
