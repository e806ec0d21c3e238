#!/usr/bin/env python3
"""The soak in small: ten seconds of everything at a low rate, without an error. Its full form,
bench/soak.py, also measures."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import ROOT, Checks, build_folder

KINDS = {"look", "list", "make", "paint", "watch", "login"}
REQUESTS = 500  # at 60 a second


def main():
    build, checks = build_folder(), Checks()
    command = [sys.executable, ROOT / "bench" / "soak.py", "--quick", "--json", "--gesso", build / "gesso"]
    done = subprocess.run(command, capture_output=True, text=True)
    if checks.check("the soak ends well", done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]):
        result = json.loads(done.stdout)
        checks.check("every request is answered as it should be", not result["failures"], result["failures"][:10])
        checks.check("as many were made as were due", result["requests"] > REQUESTS, result["requests"])
        asked = {kind for kind, times in result["ms"].items() if times["requests"]}
        checks.check("everything was asked for", asked == KINDS, KINDS - asked)
        memory = result["memory"]
        checks.check("memory and descriptors are measured", memory["descriptors"][0] > 0 and len(memory["mib"]) > 4, memory)
    checks.close()


main()
