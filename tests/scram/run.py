#!/usr/bin/env python3
"""The repository suite against `gesso localdb` over TCP with SCRAM, as against any other server."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks, build_folder, program
from support.venv import python_with

CREATE = """
import sys, pymongo
client = pymongo.MongoClient(sys.argv[1])
client.admin.command("createUser", "gesso", pwd="p@ss/w:rd", roles=["root"])
"""


def main():
    build, checks = build_folder(), Checks()
    python = python_with("pymongo==4.15.4")
    with tempfile.TemporaryDirectory() as folder:
        command = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data", "--auth"]
        with program(command, r"mongodb://127\.0\.0\.1:(\d+)") as (_, match):
            address = f"127.0.0.1:{match.group(1)}"
            subprocess.run([python, "-c", CREATE, f"mongodb://{address}/"], check=True)
            uri = f"mongodb://gesso:p%40ss%2Fw%3Ard@{address}/?authSource=admin"
            done = subprocess.run(
                [build / "tests" / "test_repositories", "--gtest_brief=1"],
                env={**os.environ, "GESSO_TEST_MONGODB_URI": uri},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )
            count = re.search(r"\[  PASSED  \] (\d+) tests?", done.stdout)
            checks.passed += int(count.group(1)) if count else 0
            failures = len(re.findall(r"^\[  FAILED  \] \S+\.\S+ \(", done.stdout, re.MULTILINE))
            if done.returncode != 0 or not count:
                print(done.stdout[-8000:])
                checks.failed += max(failures, 1)
            checks.check("a wrong password is refused", wrong_password(python, address), "it was accepted")
    checks.close()


def wrong_password(python, address):
    code = (
        "import sys, pymongo\n"
        "try:\n    pymongo.MongoClient(sys.argv[1]).admin.command('listDatabases')\n"
        "except pymongo.errors.OperationFailure as e:\n    sys.exit(0 if e.code == 18 else 1)\n"
        "sys.exit(2)"
    )
    return subprocess.run([python, "-c", code, f"mongodb://gesso:wrong@{address}/?authSource=admin"]).returncode == 0


main()
