#!/usr/bin/env python3
"""schemathesis against the service: every operation of its document with inputs that fit, that almost
fit and that do not, each answer against what the document says. The same inputs every time."""

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
EXAMPLES = 40
ACCOUNT = {"email": "fuzz@example.com", "password": "a long enough password"}
CREDITS = 1_000_000
GRANT = """
import sys, bson, pymongo
users = pymongo.MongoClient(sys.argv[1]).imagegenerator.users
users.update_one({"email": sys.argv[2]}, {"$set": {"credits_remaining": bson.int64.Int64(sys.argv[3]), "role": "admin"}})
"""


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


def account(python, url, database):
    """An administrator with more credits than all requests cost; the environment that hooks.py reads."""
    user = post(f"{url}/api/v1/auth/register", ACCOUNT)
    subprocess.run([python, "-c", GRANT, database, ACCOUNT["email"], str(CREDITS)], check=True)
    return {"GESSO_TEST_URL": url, "GESSO_TEST_USER": user["id"], "GESSO_TEST_ACCOUNT": json.dumps(ACCOUNT)}


def operations_of(report):
    """Passed and failed operations of a JUnit report, by name."""
    outcome = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        outcome[case.get("name")] = outcome.get(case.get("name"), True) and not bad
    return outcome


def main():
    build, checks = build_folder(), Checks()
    python = python_with(*PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        localdb = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        serve = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/serve", "--bcrypt-rounds", "4"]
        with program(localdb, r"mongodb://127\.0\.0\.1:\d+") as (_, database):
            uri = database.group(0) + "/"
            environment = {**os.environ, "GESSO_MONGODB_URI": uri, "GESSO_JWT_SECRET": "a secret of thirty-two bytes or more"}
            with program(serve, r"serves (http://127\.0\.0\.1:\d+)", env=environment) as (_, match):
                url = match.group(1)
                report = f"{folder}/report.xml"
                done = subprocess.run(
                    [python, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", f"{url}/openapi.json",
                     "--seed", "1", "--generation-deterministic", "--max-examples", str(EXAMPLES), "--no-color",
                     "--report", "junit", "--report-junit-path", report],
                    cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1", **account(python, url, uri)},
                    capture_output=True, text=True,
                )
                outcome = operations_of(report) if pathlib.Path(report).exists() else {}
                document = json.loads(urllib.request.urlopen(f"{url}/openapi.json", timeout=60).read())
    for path, item in document["paths"].items():
        for method in item:
            name = f"{method.upper()} {path}"
            checks.check(name, outcome.get(name, False), "see below")
    good = checks.check("schemathesis found nothing", done.returncode == 0)
    if not good:
        print(done.stdout[-30000:] + done.stderr[-3000:])
    cases = re.search(r"(\d+) generated", done.stdout)
    if cases:
        print(f"report: {cases.group(1)} requests made up")
    checks.close()


main()
