#!/usr/bin/env python3
"""Rotations of the connection string in a row under 500 requests a second: none may fail.

`gesso serve` reads the string from the stand-in for Key Vault and works on `gesso localdb`. Ten times its
SCRAM users change underneath, in every order: the secret before the key, the key before the secret,
both valid for a while, the same user with another password, and a user that is gone first. Then six
times the two keys of an account of Azure Cosmos DB, as localdb emulates it, over TLS: a key that is not in use is made
anew and taken, and the key in use is made anew before the vault knows.
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
    LISTENING, SECRET, Client, account, environment, localdb, log_text, metrics, reexec_with_pymongo, until,
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


class AccountRotations(Rotations):
    """The orders of an account's two keys. Each leaves `self.which` in use."""

    def __init__(self, azure, account, client):
        super().__init__(azure, account, client)
        self.which = "primary"

    def other(self):
        return "secondary" if self.which == "primary" else "primary"

    def spare_key(self):
        """Microsoft's way, and `deploy/azure/rotate.sh`'s: the key that nobody uses, then the vault, then the other."""
        before, self.which = self.which, self.other()
        self.database.regenerate(self.which)
        self.in_use(self.publish(self.database.uri(self.which)))
        self.database.regenerate(before)

    def key_in_use(self):
        """Somebody made the key in use anew: requests wait until the vault has a string that works."""
        waited = metrics(self.client)["gesso_secret_renewals_total"]
        self.database.regenerate(self.which)
        until(lambda: metrics(self.client)["gesso_secret_renewals_total"] > waited, "a request waits")
        self.in_use(self.publish(self.database.uri(self.which)))

    def other_key_meanwhile(self):
        """The vault learns of a new primary key, and the secondary one changes at the same moment."""
        self.which = self.other()
        version = self.publish(self.database.uri(self.which))
        self.database.regenerate(self.other())
        self.in_use(version)


def under_load(checks, build, folder, azure, variables, make_rotations, orders, name):
    """Starts the service, runs the orders under load, and checks that nobody noticed."""
    with program([build / "gesso", "serve"], LISTENING, env=variables, cwd=folder) as (process, match):
        client = Client(int(match.group(1)))
        client("POST", "/api/v1/auth/register", PERSON)
        token = client("POST", "/api/v1/auth/login", PERSON)[1]["access_token"]
        rotations = make_rotations(client)
        status, made = client("POST", "/api/v1/generations", {"prompt": "A sunset"}, token)
        assert status == 201, made
        load = Load(client.port, token, made["id"])
        runs = [getattr(rotations, order) for order in orders * 2]
        try:
            for order in runs:
                checks.run(f"{name}: {order.__name__}", order)
        finally:
            load.end()
        print(f"report: {name}: {load.report()}", flush=True)
        checks.check(f"{name}: no request fails", not load.failures, "\n".join(load.failures[:10]))
        counts = metrics(client)
        checks.check(f"{name}: {len(runs)} rotations", counts["gesso_secret_rotations_total"] == len(runs), counts)
        checks.check(f"{name}: a connection string each", counts["gesso_database_epoch"] >= len(runs) + 1, counts)
        if checks.failed:
            # What the rotation said; of the refused requests there are thousands.
            told = [line for line in log_text(process).splitlines() if "auth: " not in line and "cluster: " not in line]
            print("\n".join(told[-200:]))


def rich(imagegenerator):
    imagegenerator.users.update_many({}, {"$set": {"credits_remaining": 10**6}})


def users_of_a_server(checks, build, folder):
    with localdb(build, folder) as database, AzureStandIn(build) as azure:
        azure(set_secret={"name": SECRET, "value": database.create("user0")})

        def rotations(client):
            rich(database.admin.client["imagegenerator"])
            return Rotations(azure, database, client)

        variables = environment(azure, GESSO_DATA_DIR=f"{folder}/serve")
        orders = ["both_valid", "secret_first", "key_first", "password_first", "password_last"]
        under_load(checks, build, folder, azure, variables, rotations, orders, "users")


def keys_of_an_account(checks, build, folder, *options):
    import pymongo

    with account(build, folder, *options) as database, AzureStandIn(build) as azure:
        azure(set_secret={"name": SECRET, "value": database.uri("primary")})

        def rotations(client):
            with pymongo.MongoClient(database.uri("primary"), tlsCAFile=database.ca) as direct:
                rich(direct["imagegenerator"])
            return AccountRotations(azure, database, client)

        variables = environment(azure, GESSO_DATA_DIR=f"{folder}/serve-account", GESSO_MONGODB_TLS_CA_FILE=database.ca)
        orders = ["spare_key", "key_in_use", "other_key_meanwhile"]
        under_load(checks, build, folder, azure, variables, rotations, orders, "keys of cosmos-ru")


def main():
    reexec_with_pymongo()
    build, checks = build_folder(), Checks()
    with tempfile.TemporaryDirectory() as folder:
        users_of_a_server(checks, build, folder)
        keys_of_an_account(checks, build, folder, "--dialect", "cosmos-ru", "--ru", "40000")
    checks.close()


main()
