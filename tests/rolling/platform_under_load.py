"""Two instances of `gesso serve` on one database behind HAProxy, and what their users do."""

import collections
import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import pymongo
from bson.int64 import Int64
from support.harness import program, wait_for_line
from support.load import Load, NoAnswer
from support.vaulted import until

USERS = 6
GRANT = 100_000
PASSWORD = "correct horse battery"
ADMINISTRATOR = "operator@example.com"
SETTINGS = {
    "GESSO_JWT_SECRET": "a secret of the rolling restart, 32 bytes or more",
    "GESSO_BCRYPT_ROUNDS": "4",
    "GESSO_LIMITS": "*.* = unlimited",
    # The sweep looks at charges older than this, so that the test need not wait for it long.
    "GESSO_CHARGE_GRACE": "1s",
    "GESSO_SWEEP_INTERVAL": "500ms",
}
# A connection that could not be made is made again, to the other server; a request that was sent is
# not sent again, whatever it is.
PROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 10s
  retries 3
  retry-on conn-failure
  option redispatch 1
frontend service
  bind 127.0.0.1:{port}
  default_backend instances
frontend state
  bind 127.0.0.1:{state}
  stats enable
  stats uri /
backend instances
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 50ms fall 1 rise 1
{servers}
"""


def knows(build, setting):
    shown = subprocess.run([build / "gesso", "config"], capture_output=True, text=True, check=True).stdout
    return setting in shown


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Instance:
    """One `gesso serve`, started and ended as often as needed; its logs are kept together."""

    def __init__(self, build, folder, name, port, settings):
        self.log = pathlib.Path(folder, f"{name}.log")
        self.command = [build / "gesso", "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", f"{folder}/{name}"]
        self.environment = {**os.environ, **settings}
        self.process = None

    def start(self):
        begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "a") as out:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=out, stderr=subprocess.STDOUT)
        until(lambda: self.serves(begin), f"{self.log.name} serves")

    def serves(self, begin):
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return " serves http://" in self.log.read_text()[begin:]

    def end(self, how=signal.SIGTERM):
        """The exit status, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        return self.process.wait(60), time.monotonic() - began


class Platform:
    def __init__(self, database, instances, port, state):
        self.database, self.instances, self.port, self.state = database, instances, port, state

    def wait_until_all_are_up(self):
        """As the proxy sees them."""

        def up():
            text = urllib.request.urlopen(f"http://127.0.0.1:{self.state}/;csv", timeout=10).read().decode()
            rows = [line.split(",") for line in text.splitlines() if line.startswith("instances,")]
            return sum(row[17] == "UP" for row in rows if row[1] != "BACKEND") == len(self.instances)

        until(up, "the proxy sees all instances")

    def is_settled(self):
        """Whether no hold is open and no refund due."""
        return not (self.database.users.count_documents({"pending_charges.0": {"$exists": True}})
                    or self.database.generations.count_documents({"refund_due_at": {"$exists": True}}))  # fmt: skip

    def accounts(self):
        """Of each user: what is left, and what was spent."""
        spent = collections.Counter()
        for one in self.database.generations.find({"refunded_at": None}):
            spent[one["user_id"]] += one["cost_credits"]
        return [
            (user["_id"], user["credits_remaining"], spent[user["_id"]])
            for user in self.database.users.find({"email": {"$ne": ADMINISTRATOR}})
        ]

    def logged(self):
        """How many entries of the usage log there are, by user, path and status."""
        return collections.Counter(
            (one["user_id"], one["resource_id"], one["metadata"]["status"])
            for one in self.database.usage_logs.find({"action_type": "api_request"})
        )


@contextlib.contextmanager
def platform(build):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        localdb = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/db"]
        _, match = stack.enter_context(program(localdb, r"mongodb://127\.0\.0\.1:\d+"))
        settings = {**SETTINGS, "GESSO_MONGODB_URI": match.group(0) + "/"}
        if knows(build, "shutdown_grace"):
            settings["GESSO_SHUTDOWN_GRACE"] = "500ms"  # ten looks of the proxy's
        if knows(build, "worker_parallel"):
            settings["GESSO_WORKER_PARALLEL"] = "0"  # the painter here is a client
        port, state, *ports = free_ports(4)
        instances = [Instance(build, folder, f"instance{n}", one, settings) for n, one in enumerate(ports)]
        for instance in instances:
            stack.callback(lambda one=instance: one.process and one.process.poll() is None and one.end())
            instance.start()
        config = pathlib.Path(folder, "haproxy.cfg")
        servers = "\n".join(f"  server instance{n} 127.0.0.1:{one}" for n, one in enumerate(ports))
        config.write_text(PROXY.format(port=port, state=state, servers=servers))
        stack.enter_context(program(["haproxy", "-db", "-V", "-f", config], "Using epoll"))
        database = stack.enter_context(pymongo.MongoClient(match.group(0))).imagegenerator
        made = Platform(database, instances, port, state)
        made.wait_until_all_are_up()
        yield made
        for instance in instances:
            text = instance.log.read_text()
            if "Sanitizer" in text or "runtime error" in text:
                raise AssertionError(text[-8000:])


class Users:
    """Who they are, what they do, and what they were answered."""

    def __init__(self, client, platform):
        self.client, self.platform = client, platform
        self.dice = random.Random(11)
        self.people, self.worker = [], None  # each an id and what it shows
        self.answered = collections.Counter()  # by user, path and status
        self.pending = collections.deque()  # (user, generation) that nobody has begun, as far as known
        self.begun = self.watched = 0

    async def enter(self):
        for number in range(USERS):
            self.people.append(await self.sign_up(f"rolling{number}@example.com"))
        await self.sign_up(ADMINISTRATOR)
        users = self.platform.database.users
        users.update_many({}, {"$set": {"credits_remaining": Int64(GRANT)}})
        users.update_one({"email": ADMINISTRATOR}, {"$set": {"role": "admin"}})
        operator = await self.log_in(ADMINISTRATOR)
        key = {"name": "painter", "scopes": ["worker"]}
        made = await self.ask(operator, "POST", "/api/v1/users/me/api-keys", key, (201,))
        self.worker = (operator[0], made.json()["key"])

    async def sign_up(self, email):
        response = await self.client.ask("POST", "/api/v1/auth/register", None, {"email": email, "password": PASSWORD})
        assert response.status == 201, response.body
        person = await self.log_in(email)
        self.answered[person[0], "/api/v1/auth/register", 201] += 1
        return person

    async def log_in(self, email):
        """The user's id and token."""
        login = await self.client.ask("POST", "/api/v1/auth/login", None, {"email": email, "password": PASSWORD})
        assert login.status == 200, login.body
        user = self.platform.database.users.find_one({"email": email})["_id"]
        self.answered[user, "/api/v1/auth/login", 200] += 1
        return user, login.json()["access_token"]

    async def ask(self, who, method, path, body=None, expected=(200,)):
        response = await self.client.ask(method, path, who[1], body)
        self.answered[who[0], path.partition("?")[0], response.status] += 1
        if response.status not in expected:
            raise NoAnswer(f"{method} {path}: {response.status} {response.body[:300]}")
        return response

    def somebody(self):
        return self.dice.choice(self.people)

    async def look(self):
        await self.ask(self.somebody(), "GET", "/api/v1/users/me")

    async def list(self):
        await self.ask(self.somebody(), "GET", "/api/v1/generations?limit=5")

    async def make(self):
        who = self.somebody()
        body = {"prompt": "A fox in the snow", "num_images": self.dice.randint(1, 3)}
        response = await self.ask(who, "POST", "/api/v1/generations", body, (201,))
        self.pending.append((who, response.json()["id"]))
        return self.pending[-1]

    async def cancel(self):
        if self.pending:
            who, generation = self.pending.pop()
            await self.ask(who, "POST", f"/api/v1/generations/{generation}/cancel", expected=(200, 409))

    async def work(self):
        self.begun += 1
        name = f"painter-{self.begun}"
        response = await self.ask(self.worker, "POST", "/api/v1/worker/claim", {"worker": name})
        work = response.json().get("work")
        if not work:
            return
        claim = {"worker": name, "attempt": work["attempt"]}
        path = f"/api/v1/worker/generations/{work['generation']['id']}"
        if self.dice.random() < 0.2:
            await self.ask(self.worker, "POST", f"{path}/fail", {**claim, "kind": "final", "reason": "out of paint"})
        else:
            urls = ["https://images.example.com/1.png"]
            await self.ask(self.worker, "POST", f"{path}/complete", {**claim, "result_urls": urls})

    async def watch(self):
        """A generation's events to the last one, on as many connections as that takes."""
        who, generation = await self.make()
        path, last, state = f"/api/v1/generations/{generation}/events", None, None
        while state not in ("completed", "failed", "cancelled"):
            async for event, last in self.client.events(path, who[1], last):
                state = event
            self.answered[who[0], path, 200] += 1
        self.watched += 1

    def load(self):
        return Load({
            "look": (35, self.look), "list": (20, self.list), "make": (15, self.make), "cancel": (4, self.cancel),
            "work": (22, self.work), "watch": (4, self.watch),
        }, self.dice)  # fmt: skip
