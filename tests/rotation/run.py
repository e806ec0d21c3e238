#!/usr/bin/env python3
"""Ten rotations of the connection string in a row under 500 requests a second: none may fail.

`gesso serve` reads the string from the stand-in for Key Vault and works on `gesso localdb`, whose
SCRAM users change underneath, in every order: the secret before the key, the key before the secret,
both valid for a while, the same user with another password, and a user that is gone first.
"""

import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.azure_standin import AzureStandIn
from support.harness import Checks, build_folder, program
from support.vaulted import (
    LISTENING, SECRET, Client, environment, localdb, log_text, metrics, reexec_with_pymongo, until,
)

RATE = 500
THREADS = 25
PERSON = {"email": "ann@example.com", "password": "correct horse battery"}


class Load:
    """`RATE` requests a second from `THREADS` connections: half GET of the user, the rest GET and
    POST of generations. Every answer that is not 2xx, or none, is a failure."""

    def __init__(self, port, token, generation):
        self.port, self.token, self.generation = port, token, generation
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.answered, self.failures, self.times = 0, [], []
        self.started = time.monotonic()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        client, dice = Client(self.port), random.Random(number)
        period = THREADS / RATE
        due = time.monotonic() + dice.random() * period
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            due += period
            roll = dice.random()
            if roll < 0.5:
                request = ("GET", "/api/v1/users/me")
            elif roll < 0.9:
                request = ("GET", f"/api/v1/generations/{self.generation}")
            else:
                request = ("POST", "/api/v1/generations", {"prompt": "A sunset"})
            began = time.monotonic()
            try:
                status, body = client(*request, token=self.token)
                failure = None if status < 300 else f"{status} {body}"
            except Exception as error:  # no answer at all
                failure = repr(error)
            took = time.monotonic() - began
            with self.lock:
                self.answered += 1
                self.times.append(took)
                if failure:
                    self.failures.append(f"{request[0]} {request[1]} after {took:.2f} s: {failure}")

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.seconds = time.monotonic() - self.started

    def report(self):
        times = sorted(self.times)
        return (
            f"{self.answered} requests in {self.seconds:.1f} s, {self.answered / self.seconds:.0f} a second: "
            f"{len(self.failures)} failed; p50 {1e3 * times[len(times) // 2]:.1f} ms, "
            f"p99 {1e3 * times[len(times) * 99 // 100]:.1f} ms, worst {1e3 * times[-1]:.0f} ms"
        )


class Rotations:
    """The orders. Each leaves one user valid, `self.user`, and the vault with its string."""

    def __init__(self, azure, database, client):
        self.azure, self.database, self.client = azure, database, client
        self.user, self.number = "user0", 0

    def next_user(self):
        self.number += 1
        return f"user{self.number}"

    def publish(self, uri):
        return self.azure(set_secret={"name": SECRET, "value": uri})["version"]

    def secret(self):
        status, body = self.client("GET", "/readyz")
        assert status in (200, 503), body
        return body["secret"]

    def in_use(self, version):
        until(lambda: self.secret()["version"] == version, f"version {version} is in use")

    def both_valid(self):
        """The second key first, as Microsoft's guidance has it."""
        before, self.user = self.user, self.next_user()
        self.in_use(self.publish(self.database.create(self.user)))
        self.database.drop(before)

    def secret_first(self):
        """The vault names a user whom the database does not know yet."""
        before, self.user = self.user, self.next_user()
        password = self.database.password()
        version = self.publish(self.database.uri(self.user, password))
        until(lambda: self.secret()["state"] == "new secret refused", "the new secret is refused")
        self.database.admin.command(
            "createUser", self.user, pwd=password, roles=["readWriteAnyDatabase", "dbAdminAnyDatabase"]
        )
        self.in_use(version)
        self.database.drop(before)

    def key_first(self):
        """The user of the connections that work is gone before the vault knows of another."""
        before, self.user = self.user, self.next_user()
        uri = self.database.create(self.user)
        waited = metrics(self.client)["gesso_secret_renewals_total"]
        self.database.drop(before)
        until(lambda: metrics(self.client)["gesso_secret_renewals_total"] > waited, "a request waits")
        self.in_use(self.publish(uri))

    def password_first(self):
        """The same user; connections that stand go on, new ones are refused until the secret follows."""
        self.in_use(self.publish(self.database.change(self.user)))

    def password_last(self):
        """The same user, and the vault before the database."""
        password = self.database.password()
        version = self.publish(self.database.uri(self.user, password))
        until(lambda: self.secret()["state"] == "new secret refused", "the new secret is refused")
        self.database.admin.command("updateUser", self.user, pwd=password)
        self.in_use(version)


def main():
    reexec_with_pymongo()
    build, checks = build_folder(), Checks()
    with tempfile.TemporaryDirectory() as folder, localdb(build, folder) as database, AzureStandIn(build) as azure:
        azure(set_secret={"name": SECRET, "value": database.create("user0")})
        variables = environment(azure, GESSO_DATA_DIR=f"{folder}/serve")
        with program([build / "gesso", "serve"], LISTENING, env=variables, cwd=folder) as (process, match):
            client = Client(int(match.group(1)))
            client("POST", "/api/v1/auth/register", PERSON)
            token = client("POST", "/api/v1/auth/login", PERSON)[1]["access_token"]
            database.admin.client["imagegenerator"].users.update_many({}, {"$set": {"credits_remaining": 10**6}})
            status, made = client("POST", "/api/v1/generations", {"prompt": "A sunset"}, token)
            assert status == 201, made

            rotations = Rotations(azure, database, client)
            load = Load(client.port, token, made["id"])
            orders = [
                rotations.both_valid, rotations.secret_first, rotations.key_first,
                rotations.password_first, rotations.password_last,
            ]
            try:
                for order in orders * 2:
                    checks.run(order.__name__, order)
            finally:
                load.end()
            print("report: " + load.report(), flush=True)
            checks.check("no request fails", not load.failures, "\n".join(load.failures[:10]))
            counts = metrics(client)
            checks.check("ten rotations", counts["gesso_secret_rotations_total"] == 10, counts)
            checks.check("a connection string each", counts["gesso_database_epoch"] >= 11, counts)
            if checks.failed:
                print(log_text(process)[-6000:])
    checks.close()


main()
