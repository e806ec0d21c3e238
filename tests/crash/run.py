#!/usr/bin/env python3
"""Kills the service at random moments under load, at least 30 times, and looks at what is left.

After each kill every index must agree with its documents; after the restart every acknowledged
registration and generation must be there; at the end, once the sweep has run, every user's credits
must add up to what was granted: nothing lost, nothing charged twice.
"""

import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks, build_folder, program
from support.venv import python_with

KILLS = int(os.environ.get("GESSO_TEST_KILLS", "30"))
CLIENTS = 6
GRANT = 100_000  # credits a user is given for the test, beside what sign-up gave
PASSWORD = "correct horse battery"

ACCOUNTS = """
import json, sys, pymongo
database = pymongo.MongoClient(sys.argv[1]).imagegenerator
if sys.argv[2] == "grant":
    for user in json.loads(sys.argv[3]):
        assert database.users.update_one({"_id": user}, {"$inc": {"credits_remaining": int(sys.argv[4])}}).modified_count == 1
else:
    spent = {row["_id"]: row["credits"] for row in database.generations.aggregate(
        [{"$match": {"status": {"$ne": "failed"}}}, {"$group": {"_id": "$user_id", "credits": {"$sum": "$cost_credits"}}}])}
    print(json.dumps([
        {"id": u["_id"], "remaining": u["credits_remaining"], "spent": spent.get(u["_id"], 0),
         "pending": len(u.get("pending_charges") or [])}
        for u in database.users.find({})]))
"""


class Client:
    """One connection; None for an answer that never came."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def request(self, method, path, body=None, token=None):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = self.connection.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connection = None
            return None


def load(port, user, acknowledged, stop):
    client = Client(port)
    while not stop.is_set():
        answer = client.request("POST", "/api/v1/generations", {"prompt": "A fox in the snow"}, user["token"])
        if answer is None:
            return
        if answer[0] == 201:
            acknowledged.append((answer[1]["id"], user))


def main():
    build, checks = build_folder(), Checks()
    python = python_with("pymongo==4.15.4")
    random.seed(7)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        environment = {**os.environ, "GESSO_JWT_SECRET": "a secret of the crash test, 32 bytes or more"}
        # The sweep looks at charges older than this, so that the test need not wait for it long.
        environment["GESSO_CHARGE_GRACE"] = "1s"
        environment["GESSO_SWEEP_INTERVAL"] = "500ms"
        serve = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", data]
        ready = r"http://127\.0\.0\.1:(\d+)"

        def accounts(*arguments):
            socket = str(next(data.rglob("*.sock"))).replace("/", "%2F")
            done = subprocess.run(
                [python, "-c", ACCOUNTS, f"mongodb://{socket}", *arguments], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout

        users = []
        with program(serve, ready, env=environment) as (_, match):
            client = Client(int(match.group(1)))
            for number in range(CLIENTS):
                person = {"email": f"crash{number}@example.com", "password": PASSWORD}
                status, user = client.request("POST", "/api/v1/auth/register", person)
                assert status == 201, user
                status, login = client.request("POST", "/api/v1/auth/login", person)
                assert status == 200, login
                users.append({**user, "token": login["access_token"], "granted": user["credits_remaining"] + GRANT})
            accounts("grant", json.dumps([user["id"] for user in users]), str(GRANT))

        acknowledged, broken, lost = [], [], []
        for kill in range(KILLS):
            fresh = []
            with program(serve, ready, env=environment) as (process, match):
                port = int(match.group(1))
                stop = threading.Event()
                threads = [threading.Thread(target=load, args=(port, user, fresh, stop)) for user in users]
                for thread in threads:
                    thread.start()
                # What the last kill left, looked at while the next load runs.
                reader = Client(port)
                for identifier, user in acknowledged[-300:]:
                    answer = reader.request("GET", f"/api/v1/generations/{identifier}", token=user["token"])
                    if answer is None or answer[0] != 200:
                        lost.append((kill, identifier, answer))
                time.sleep(random.uniform(0.02, 0.5))  # the random moment: not a wait for anything
                process.send_signal(signal.SIGKILL)
                process.wait()
                stop.set()
                for thread in threads:
                    thread.join()
            acknowledged += fresh
            check = subprocess.run(
                [build / "gesso", "localdb", "--check", "--data-dir", data], capture_output=True, text=True)
            if check.returncode != 0:
                broken.append((kill, check.stdout[-2000:] + check.stderr[-2000:]))
        checks.check(f"indexes agree with documents after each of {KILLS} kills", not broken, str(broken[:2]))
        checks.check("every acknowledged generation was there after the restart", not lost, str(lost[:5]))
        checks.check("the load was real", len(acknowledged) > 20 * KILLS, f"{len(acknowledged)} acknowledged")

        with program(serve, ready, env=environment) as (_, match):
            client = Client(int(match.group(1)))
            missing = [
                identifier for identifier, user in acknowledged
                if (client.request("GET", f"/api/v1/generations/{identifier}", token=user["token"]) or [0])[0] != 200
            ]
            checks.check(f"all {len(acknowledged)} acknowledged generations are there", not missing, str(missing[:5]))
            deadline = time.monotonic() + 60
            while True:
                state = json.loads(accounts("read"))
                if not any(user["pending"] for user in state) or time.monotonic() > deadline:
                    break
            pending = [user for user in state if user["pending"]]
            checks.check("the sweep leaves no charge pending", not pending, str(pending))
            granted = {user["id"]: user["granted"] for user in users}
            wrong = [user for user in state if user["remaining"] + user["spent"] != granted[user["id"]]]
            checks.check("credits add up for every user", not wrong, f"{wrong} of {granted}")
    checks.close()


main()
