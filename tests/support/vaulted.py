"""`gesso localdb` with SCRAM users, and `gesso serve` that finds it through the stand-in for Azure.

Runs under a Python that has pymongo: `reexec_with_pymongo()` sees to it.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import select
import secrets
import subprocess
import sys
import time
import urllib.parse

from support.harness import program
from support.venv import python_with

SECRET = "mongodb-connection-string"


def reexec_with_pymongo():
    try:
        import pymongo  # noqa: F401
    except ImportError:
        python = python_with("pymongo==4.15.4")
        os.execv(python, [str(python), *sys.argv])


def until(holds, what, seconds=60):
    """Waits for what another process does soon; no event tells of it."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        select.select([], [], [], 0.02)


class Database:
    """A localdb that wants credentials, and its users. `told` keeps every password there was."""

    def __init__(self, port):
        import pymongo

        self.port, self.told = port, []
        address = f"mongodb://127.0.0.1:{port}/"
        with pymongo.MongoClient(address) as first:  # the first user may be made without credentials
            root = self.password()
            first.admin.command("createUser", "root", pwd=root, roles=["root"])
        self.admin = pymongo.MongoClient(address, username="root", password=root, authSource="admin").admin

    def password(self):
        # Characters that a connection string has to encode, as Azure's keys have them.
        text = secrets.token_urlsafe(24) + "+/="
        self.told.append(text)
        return text

    def create(self, name):
        password = self.password()
        self.admin.command("createUser", name, pwd=password, roles=["readWriteAnyDatabase", "dbAdminAnyDatabase"])
        return self.uri(name, password)

    def change(self, name):
        password = self.password()
        self.admin.command("updateUser", name, pwd=password)
        return self.uri(name, password)

    def drop(self, name):
        self.admin.command("dropUser", name)

    def uri(self, name, password):
        quoted = urllib.parse.quote(password, safe="")
        return f"mongodb://{name}:{quoted}@127.0.0.1:{self.port}/?authSource=admin&authMechanism=SCRAM-SHA-256"


@contextlib.contextmanager
def localdb(build, folder):
    command = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/db", "--auth"]
    with program(command, r"mongodb://127\.0\.0\.1:(\d+)") as (process, match):
        database = Database(int(match.group(1)))
        database.process = process
        try:
            yield database
        finally:
            database.admin.client.close()


class Account:
    """A localdb with an account of two keys, by TLS. `uri(key)` is the string that it prints now."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.ca, self.host = f"{folder}/tls-ca.pem", None

    def key(self, which):
        lines = pathlib.Path(f"{self.folder}/account-paint.keys").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)[which]

    def uri(self, which):
        quoted = urllib.parse.quote(self.key(which), safe="")
        return f"mongodb://paint:{quoted}@{self.host}/?ssl=true&retrywrites=false&maxIdleTimeMS=120000&appName=@paint@"

    def portal_uri(self, which):
        """As it was printed at the start, first the primary one."""
        printed = pathlib.Path(self.process.log).read_text()
        return re.findall(r"^ +(mongodb://paint:\S+)$", printed, re.MULTILINE)[which == "secondary"]

    def regenerate(self, which):
        command = [self.build / "gesso", "localdb", "--regenerate-key", which, "--data-dir", self.folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def account(build, folder, *options):
    made = Account(build, f"{folder}/account")
    command = [build / "gesso", "localdb", "--listen", "localhost:0", "--data-dir", made.folder,
               "--tls", "self-signed", "--account", "paint", *options]
    with program(command, r"mongodb://paint:\S+@(localhost:\d+)/") as (process, match):
        made.process, made.host = process, match.group(1)
        yield made


def environment(azure, identity="app_service", **more):
    """Of a process that has the platform's variables and nothing of this machine's."""
    foreign = ("GESSO_", "AZURE_", "IDENTITY_", "IMDS_", "MSI_")
    kept = {
        key: value for key, value in os.environ.items()
        if not key.startswith(foreign) and not key.lower().endswith("_proxy")
    }
    settings = {"GESSO_LISTEN": "127.0.0.1:0", "GESSO_KEY_VAULT_POLL_INTERVAL": "1s", "GESSO_BCRYPT_ROUNDS": "4"}
    settings["GESSO_LIMITS"] = "*.* = unlimited"  # one user asks for all
    return {**kept, **settings, **azure.told["environments"][identity], **more}


class Client:
    """One kept-alive connection to a service on `port`."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def __call__(self, method, path, body=None, token=None):
        """Status and the body's JSON (or text). Raises OSError where there was no answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = self.connection.getresponse()
            text = reply.read().decode()
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        kind = reply.headers.get("Content-Type", "")
        return reply.status, json.loads(text) if "json" in kind else text


def metrics(client):
    """Values without labels, by name."""
    _, text = client("GET", "/metrics")
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in lines}


LISTENING = r"http://127\.0\.0\.1:(\d+)"


def log_text(process):
    return pathlib.Path(process.log).read_text(errors="replace")
