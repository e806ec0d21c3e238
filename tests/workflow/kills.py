#!/usr/bin/env python3
"""Two services and two workers over one database, one of each killed every few seconds while users
ask for pictures: each generation ends once, credits are exact, no image is nobody's.

  tests/workflow/kills.py --build build/release --generations 10000     the proof at full length
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
from support.harness import ROOT, Checks, program
from support.painting import ENDED, LISTENS, SETTINGS, Refused, User, ask, files_of, until

CREDITS = 10  # of a new account
AT_ONCE = 8


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Process:
    """One `gesso serve` or `gesso work`, started again whenever it was killed."""

    def __init__(self, build, name, command, environment, folder):
        self.command, self.environment = [build / "gesso", *command], environment
        self.log = open(pathlib.Path(folder, f"{name}.log"), "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=self.log, stderr=self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.log.close()
        return status


class Fleet:
    def __init__(self, build, folder, uri):
        environment = {**os.environ, **SETTINGS, "GESSO_MONGODB_URI": uri, "GESSO_PREVIEW_EDGE": "64"}
        data = ["--data-dir", f"{folder}/shared"]  # of keys and images; the database is elsewhere
        ports = [free_port() for _ in range(2)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.services = [
            Process(build, f"serve{i}", ["serve", "--listen", f"127.0.0.1:{port}", *data, "--worker-parallel", "0"],
                    environment, folder)
            for i, port in enumerate(ports)
        ]  # fmt: skip
        self.workers = [Process(build, f"work{i}", ["work", *data], environment, folder) for i in range(2)]
        self.kills = 0
        self.done = threading.Event()

    def up(self, url):
        with contextlib.suppress(OSError, Refused):
            return ask(url + "/readyz") is not None
        return False

    def start(self):
        for one in self.services + self.workers:
            one.start()
        until(lambda: all(map(self.up, self.urls)))

    def trouble(self, seed, every):
        """Kills one of each again and again, until it is done."""
        rng = random.Random(seed)
        while not self.done.wait(rng.uniform(*every)):
            for kind in (self.services, self.workers):
                victim = rng.choice(kind)
                victim.kill()
                self.kills += 1
                victim.start()
            until(lambda: all(map(self.up, self.urls)))


def create(fleet, user, number):
    """A generation that is there once, whatever happens to the services: a repetition has its key."""
    headers = {**user.headers, "Idempotency-Key": f'"{user.id}-{number}"'}
    body = {"prompt": f"A lake number {number}", "image_size": "256x256"}
    deadline = time.monotonic() + 120
    for attempt in range(10_000):
        url = fleet.urls[(number + attempt) % 2]
        try:
            return ask(f"{url}/api/v1/generations", "POST", body, headers)["id"]
        except (OSError, Refused) as error:
            # 402: credits that a killed charge holds are back once the sweep has looked at it.
            may_pass = not isinstance(error, Refused) or error.status in (402, 409, 500, 502, 503, 504)
            if not may_pass or time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # between two attempts
    raise AssertionError("it was never made")


def register(fleet, name):
    for attempt in range(200):
        with contextlib.suppress(OSError):
            return User(fleet.urls[attempt % 2], f"{name}-{attempt}")
        time.sleep(0.05)  # between two attempts
    raise AssertionError("nobody can register")


def generations_of(fleet, user):
    listed, cursor = [], ""
    while cursor is not None:
        page = ask(f"{fleet.urls[0]}/api/v1/generations?limit=100{cursor and '&cursor=' + cursor}", headers=user.headers)
        listed, cursor = listed + page["items"], page["next_cursor"]
    return listed


def prove(build, checks, count, every):
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        command = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/database"]
        _, match = stack.enter_context(program(command, LISTENS))
        fleet = Fleet(build, folder, f"mongodb://{match.group(1)}/")
        fleet.start()
        began = time.monotonic()
        trouble = threading.Thread(target=fleet.trouble, args=(7, every))
        trouble.start()
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(AT_ONCE))
        try:
            users = list(pool.map(lambda i: register(fleet, f"u{i}"), range((count + CREDITS - 1) // CREDITS)))
            made = list(pool.map(lambda i: create(fleet, users[i % len(users)], i), range(count)))
            asked_for = time.monotonic() - began

            def all_ended():
                with contextlib.suppress(OSError, Refused):
                    state["by_user"] = [generations_of(fleet, user) for user in users]
                    return all(g["status"] in ENDED for of in state["by_user"] for g in of)
                return False

            state = {}
            until(all_ended, 600)
            seconds = time.monotonic() - began
        finally:
            fleet.done.set()
            trouble.join()
        found = {g["id"]: g for of in state["by_user"] for g in of}

        def credits(user):  # a refund follows the end, and a hold that a kill left the sweep
            return ask(f"{fleet.urls[0]}/api/v1/users/me", headers=user.headers)["credits_remaining"]

        checks.check("no generation was lost or made twice", set(found) == set(made), (len(found), len(made)))
        ended = {status: sum(g["status"] == status for g in found.values()) for status in ENDED}
        # One whose workers were killed three times in its middle is given up, and paid back.
        checks.check("all are completed but few", ended["completed"] >= 0.98 * count, ended)
        for user, of in zip(users, state["by_user"]):
            spent = sum(g["status"] == "completed" for g in of)
            checks.run(f"credits of {user.id} are exact", until, lambda: credits(user) == CREDITS - spent)
        owned = {f"generations/{g['id']}/0.png" for g in found.values() if g["status"] == "completed"}
        data = f"{folder}/shared"
        checks.check("every generation has its image", owned <= set(files_of(data)), len(owned - set(files_of(data))))
        checks.run("every image has its generation", until, lambda: set(files_of(data)) == owned)
        for one in fleet.services + fleet.workers:
            checks.check("they end well", one.end() == 0)
        print(f"report: {count} generations, {fleet.kills} kills: asked for in {asked_for:.1f} s, all ended "
              f"after {seconds:.1f} s, {ended}", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--generations", type=int, default=120)
    options = parser.parse_args()
    checks = Checks()
    checks.run("kills", prove, options.build.resolve(), checks, options.generations, (2, 5))
    checks.close()


if __name__ == "__main__":
    main()
