"""A service that paints, and its users."""

import contextlib
import json
import os
import pathlib
import time
import urllib.error
import urllib.request

from support.harness import program

PASSWORD = "correct horse battery"
SERVES = r"serves (http://127\.0\.0\.1:\d+)$"
# What `gesso localdb` prints: where it is reached.
LISTENS = r"(?:listening on|listens on|mongodb://)\D*(\d+\.\d+\.\d+\.\d+:\d+)"
ENDED = ("completed", "failed", "cancelled")
SETTINGS = {
    "GESSO_BCRYPT_ROUNDS": "4",
    "GESSO_LIMITS": "*.* = unlimited",
    "GESSO_JWT_SECRET": "a secret of the workflow's test, of 32 bytes",
    "GESSO_SWEEP_INTERVAL": "500ms",
    "GESSO_CHARGE_GRACE": "1s",
    "GESSO_WORKER_LEASE": "2s",
    "GESSO_IMAGE_GRACE": "3s",
}


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status, self.body = status, body


def ask(url, method="GET", body=None, headers=(), raw=False):
    data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
    request = urllib.request.Request(url, data, dict(headers), method=method)
    if data is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return content if raw else json.loads(content or b"null")
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.read().decode(errors="replace")) from error


class User:
    def __init__(self, service, name):
        self.service = service
        # Ten credits come with a new account.
        made = ask(f"{service}/api/v1/auth/register", "POST", {"email": f"{name}@example.com", "password": PASSWORD})
        self.id = made["user"]["id"] if "user" in made else made["id"]
        token = made.get("access_token") or self.log_in(name)
        self.headers = {"Authorization": f"Bearer {token}"}

    def log_in(self, name):
        proof = {"email": f"{name}@example.com", "password": PASSWORD}
        return ask(f"{self.service}/api/v1/auth/login", "POST", proof)["access_token"]

    def ask(self, path, method="GET", body=None, **more):
        return ask(f"{self.service}/api/v1{path}", method, body, self.headers, **more)

    def post(self, prompt="A beautiful sunset over mountains", **more):
        return self.ask("/generations", "POST", {"prompt": prompt, "image_size": "256x256", **more})

    def wait(self, generation, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            seen = self.ask(f"/generations/{generation['id']}")
            if seen["status"] in ENDED:
                return seen
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not end: {seen}")
            time.sleep(0.05)  # between two looks

    def credits(self):
        return self.ask("/users/me")["credits_remaining"]


@contextlib.contextmanager
def serving(build, folder, **settings):
    environment = {**os.environ, **SETTINGS, **settings}
    command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
    with program(command, SERVES, env=environment) as (process, match):
        yield process, match.group(1)


def files_of(folder):
    images = pathlib.Path(folder) / "images"
    return sorted(str(path.relative_to(images)) for path in images.rglob("*") if path.is_file())


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to pass")
        time.sleep(0.02)  # between two looks
