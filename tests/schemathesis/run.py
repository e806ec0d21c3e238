#!/usr/bin/env python3
"""schemathesis against the service: every operation of its document with inputs that fit, that almost
fit and that do not, each answer against what the document says; then once more with limits that are
soon reached. The same inputs every time."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder, program
from support.venv import python_with

PACKAGES = ["schemathesis==4.32.5", "pymongo==4.15.4"]
# Of one operation and phase. A failure names the request that shows it.
EXAMPLES = 15
ACCOUNT = {"email": "fuzz@example.com", "password": "a long enough password"}
CREDITS = 1_000_000
GRANT = """
import sys, bson, pymongo
users = pymongo.MongoClient(sys.argv[1])[sys.argv[2]].users
users.update_one({"email": sys.argv[3]}, {"$set": {"credits_remaining": bson.int64.Int64(sys.argv[4]), "role": "admin"}})
"""
LIMITS = "*.* = 5/1h; *.login = 60/1h"  # of each class
ENDS_THE_SESSION = ["logout", "endOtherSessions"]  # after them the one token is good no more


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


def account(python, url, database, name):
    """An administrator with more credits than all requests cost; the environment that hooks.py reads."""
    user = post(f"{url}/api/v1/auth/register", ACCOUNT)
    subprocess.run([python, "-c", GRANT, database, name, ACCOUNT["email"], str(CREDITS)], check=True)
    return {"GESSO_TEST_URL": url, "GESSO_TEST_USER": user["id"], "GESSO_TEST_ACCOUNT": json.dumps(ACCOUNT)}


def operations_of(report):
    """Passed and failed operations of a JUnit report, by name."""
    outcome = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        outcome[case.get("name")] = outcome.get(case.get("name"), True) and not bad
    return outcome


def serve(build, folder, database, name, **settings):
    """The service on a database of its own."""
    command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/{name}", "--bcrypt-rounds", "4"]
    environment = {
        **os.environ, "GESSO_MONGODB_URI": database, "GESSO_DATABASE": name, "GESSO_ALLOW_SPECIAL_USE_DOMAINS": "true",
        "GESSO_JWT_SECRET": "a secret of thirty-two bytes or more", **settings,
    }
    return program(command, r"serves (http://127\.0\.0\.1:\d+)", env=environment)


def schemathesis(python, folder, url, database, name, *options):
    """Runs it; what became of each operation, the operations that were limited, and what it said."""
    report, limited = pathlib.Path(folder, f"{name}.xml"), pathlib.Path(folder, f"{name}.limited")
    limited.touch()
    environment = {
        **os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1", "GESSO_TEST_LIMITED": str(limited),
        **account(python, url, database, name),
    }
    command = [
        python, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", f"{url}/openapi.json",
        "--checks", "all", "--seed", "1", "--generation-deterministic", "--no-color",
        "--report", "junit", "--report-junit-path", report, *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    outcome = operations_of(report) if report.exists() else {}
    return done, outcome, {line.partition(" ")[2] for line in limited.read_text().splitlines() if line.startswith("rate_limited")}


def conclude(checks, done, what):
    if not checks.check(f"schemathesis found nothing {what}", done.returncode == 0):
        print(done.stdout[-30000:] + done.stderr[-3000:])
    cases = re.search(r"(\d+) generated", done.stdout)
    return cases.group(1) if cases else "no"


def unlimited(checks, build, python, folder, database):
    with serve(build, folder, database, "unlimited", GESSO_LIMITS="*.* = unlimited") as (_, match):
        url = match.group(1)
        done, outcome, limited = schemathesis(python, folder, url, database, "unlimited", "--max-examples", str(EXAMPLES))
        document = json.loads(urllib.request.urlopen(f"{url}/openapi.json", timeout=60).read())
    for path, item in document["paths"].items():
        for method in item:
            name = f"{method.upper()} {path}"
            checks.check(name, outcome.get(name, False), "see below")
    checks.check("nobody is limited where nothing is", not limited, limited)
    print(f"report: {conclude(checks, done, 'without limits')} requests made up")


def limited(checks, build, python, folder, database):
    """So few requests are allowed that most are refused; whoever logs in may, or there is no caller."""
    with serve(build, folder, database, "limited", GESSO_LIMITS=LIMITS) as (_, match):
        options = ["--phases", "fuzzing", "--max-examples", "8"]
        for name in ENDS_THE_SESSION:
            options += ["--exclude-operation-id", name]
        done, _, seen = schemathesis(python, folder, match.group(1), database, "limited", *options)
    checks.check("most operations refused somebody", len(seen) > 20, sorted(seen))
    print(f"report: {conclude(checks, done, 'with limits')} more at limits, which {len(seen)} operations told")


def main():
    build, checks = build_folder(), Checks()
    python = python_with(*PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        localdb = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        with program(localdb, r"mongodb://127\.0\.0\.1:\d+") as (_, match):
            for test in (unlimited, limited):
                test(checks, build, python, folder, match.group(0) + "/")
    checks.close()


main()
