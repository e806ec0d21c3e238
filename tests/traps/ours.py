"""Gesso's half: the same need on the same kind of server. Each function asserts that it is met, by
what the service answers and what its database holds, and returns that in words."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request

import pymongo
from halves import GESSO, cosmos, run_all, trap
from support.harness import program

PASSWORD = "correct horse"
PROMPT = {"prompt": "A beautiful sunset over mountains"}


class Service:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, token=None, expect=(200, 201, 202, 204)):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status in expect, f"{method} {path}: {response.status} {text[:400]}"
        return json.loads(text) if text else None

    def entries_waiting(self):
        """Entries of the usage log that are not written yet."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            return float(re.search(r"^gesso_usage_queued ([0-9.e+]+)$", answer.read().decode(), re.MULTILINE).group(1))

    def user(self, name):
        """An access token of a new user."""
        person = {"email": f"{name}@example.com", "password": PASSWORD}
        self.ask("POST", "/api/v1/auth/register", person)
        return self.ask("POST", "/api/v1/auth/login", person)["access_token"]


def settings(uri, more):
    return {**os.environ, "GESSO_MONGODB_URI": uri, "GESSO_LIMITS": "*.* = unlimited", "GESSO_BCRYPT_ROUNDS": "4",
            "GESSO_WORKER_PARALLEL": "0", **more}


@contextlib.contextmanager
def gesso(*options, ru=4000, **more):
    """Yields the service on a server of its own, and that server's database as pymongo sees it."""
    with cosmos(*options, ru=ru) as uri, tempfile.TemporaryDirectory() as folder:
        command = [GESSO, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
        with program(command, r"serves http://127\.0\.0\.1:(\d+)", env=settings(uri, more)) as (process, match):
            service = Service(int(match.group(1)))
            service.log = process.log
            yield service, pymongo.MongoClient(uri, retryWrites=False).imagegenerator


def run(uri, *arguments, **more):
    return subprocess.run([GESSO, *arguments], env=settings(uri, more), capture_output=True, text=True, timeout=120)


def insist(action, seconds=60):
    """What pymongo asks beside the service may be throttled too."""
    until = time.monotonic() + seconds
    while True:
        try:
            return action()
        except pymongo.errors.OperationFailure as error:
            if error.code != 16500 or time.monotonic() > until:
                raise
            time.sleep(0.05)


@trap("retryable writes are the driver's default")
def retryable_writes():
    with gesso() as (service, _):  # its connection string says nothing of them
        service.user("a")
        return "a user is registered and logged in"


@trap("a sort without an index is an error")
def sort_without_index():
    with gesso() as (service, _):
        token = service.user("a")
        made = [service.ask("POST", "/api/v1/generations", PROMPT, token)["id"] for _ in range(3)]
        items = service.ask("GET", "/api/v1/generations", token=token)["items"]
        assert [one["id"] for one in items] == made[::-1], items
        return "a user's list comes newest first"


@trap("a sort of two fields needs its very index")
def sort_of_two():
    with gesso() as (service, _):
        token = service.user("a")
        made = [service.ask("POST", "/api/v1/generations", PROMPT, token)["id"] for _ in range(5)]
        seen, cursor = [], ""
        while cursor is not None:
            page = service.ask("GET", f"/api/v1/generations?status=pending&limit=2{cursor}", token=token)
            seen += [one["id"] for one in page["items"]]
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
        assert seen == made[::-1], seen
        return "pages of one status, sorted by time and id"


@trap("a compound index serves no filter")
def compound_serves_no_filter():
    with gesso(ru=1_000_000) as (service, database):
        token = service.user("a")
        mine = service.ask("POST", "/api/v1/generations", PROMPT, token)["id"]
        one = database.generations.find_one({"_id": mine})
        others = [{**one, "_id": f"gen_other{i}", "user_id": f"user_{i}"} for i in range(3000)]
        for i in others:
            i.pop("replicate_prediction_id", None)
        first = {key: value for key, value in one.items() if isinstance(value, str) and value == mine}
        for other in others:  # what stands for the id in a surrogate
            other.update({key: other["_id"] for key in first})
        for at in range(0, len(others), 500):
            database.generations.insert_many(others[at:at + 500])
        found = list(database.generations.find({"user_id": one["user_id"], "status": "pending"}))
        charge = database.command("getLastRequestStatistics")["RequestCharge"]
        assert len(found) == 1 and charge < 10, (len(found), charge)
        return f"{charge:.1f} RU among 3,001, by the indexes that init-db made"


@trap("a unique index on a collection in use")
def unique_too_late():
    with cosmos() as uri:
        pymongo.MongoClient(uri, retryWrites=False).imagegenerator.users.insert_one({"email": "a@example.com"})
        ran = run(uri, "init-db")
        said = [line for line in (ran.stdout + ran.stderr).splitlines() if "email" in line and "users" in line]
        assert ran.returncode == 1 and said, ran
        return said[-1].strip()


@trap("sparse is taken and means nothing")
def sparse_means_nothing():
    with gesso() as (service, database):
        token = service.user("a")
        first, second = (service.ask("POST", "/api/v1/generations", PROMPT, token)["id"] for _ in range(2))
        # Two without a prediction stand beside each other; a prediction still belongs to one.
        unique = [spec["key"] for spec in database.generations.index_information().values() if spec.get("unique")]
        assert any("replicate_prediction_id" in field for key in unique for field, _ in key), unique
        return f"{first} and {second} have no prediction, and {unique} is unique"


@trap("a TTL index on a date of one's own")
def ttl_on_a_date():
    with gesso() as (service, database):
        service.ask("GET", "/api/v1/users/me", token=service.user("a"))
        indexes = database.usage_logs.index_information()
        on = [spec["key"] for spec in indexes.values() if "expireAfterSeconds" in spec]
        assert on == [[("_ts", 1)]], indexes
        until = time.monotonic() + 30
        while not (entry := database.usage_logs.find_one()):
            assert time.monotonic() < until
            time.sleep(0.1)
        left = entry["expires_at"].timestamp() - time.time()
        assert abs(entry["ttl"] - left) < 120, entry
        return f"an entry expires in {entry['ttl']} s, as its date says"


@trap("an update postpones the end")
def update_postpones():
    with gesso(GESSO_LIMITS="free.generate = 1000/600s") as (service, database):
        token, seen, until = service.user("a"), [], time.monotonic() + 60
        # A window is counted up by every call, and its end does not move.
        while not seen or seen[0]["ttl"] - seen[-1]["ttl"] < 4:
            assert time.monotonic() < until, f"its time to live does not fall: {seen[:2]} ... {seen[-2:]}"
            service.ask("POST", "/api/v1/generations", PROMPT, token, expect=(201, 402))
            window = database.rate_limit_logs.find_one({"endpoint": "class:generate"})
            assert abs(window["expires_at"].timestamp() - time.time() - window["ttl"]) < 15, window
            seen.append(window)
            time.sleep(0.2)
        assert len({one["expires_at"] for one in seen}) == 1, seen
        return f"after {len(seen)} updates it lives {seen[-1]['ttl']} s, and not the {seen[0]['ttl']} s of the first"


@trap("epoch seconds in a TTL field are milliseconds")
def epoch_seconds():
    with gesso("--capability", "EnableTtlOnCustomPath",
               GESSO_COSMOS_CAPABILITIES="EnableTtlOnCustomPath") as (service, database):
        service.ask("GET", "/api/v1/users/me", token=service.user("a"))
        until = time.monotonic() + 30
        while not (entry := database.usage_logs.find_one()):
            assert time.monotonic() < until, "the entry expired, or was never written"
            time.sleep(0.1)
        return f"it expires on {entry['expires_at']:%Y-%m-%d}, a Date"


@trap("a whole batch is sent again")
def batch_again():
    with gesso(ru=400) as (service, database):
        token = service.user("a")
        asked = 40
        for _ in range(asked):
            service.ask("GET", "/api/v1/users/me", token=token)
        until = time.monotonic() + 120
        while service.entries_waiting() > 0:
            assert time.monotonic() < until, f"{service.entries_waiting()} entries are not written yet"
            time.sleep(0.5)
        there = insist(lambda: database.usage_logs.count_documents({"resource_id": "/api/v1/users/me"}))
        assert there == asked, f"{there} entries for {asked} requests"
        return f"{asked} entries of the usage log for {asked} requests at 400 RU/s"


@trap("what is throttled fails the request")
def throttled():
    with gesso(ru=400) as (service, _):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(service.user, [f"user{i}" for i in range(24)]))
        assert len(set(tokens)) == 24
        return "24 users register and log in at 400 RU/s, and none is turned away"


@trap("which field collided")
def which_field():
    with gesso() as (service, _):
        service.user("a")
        answer = service.ask("POST", "/api/v1/auth/register", {"email": "A@example.com", "password": PASSWORD}, expect=(409,))
        assert answer["code"] == "email_taken", answer
        return answer["detail"]


@trap("a transaction over two collections")
def transaction():
    with gesso() as (service, database):
        token = service.user("a")
        before = service.ask("GET", "/api/v1/users/me", token=token)["credits_remaining"]
        service.ask("POST", "/api/v1/generations", PROMPT, token)
        after = service.ask("GET", "/api/v1/users/me", token=token)["credits_remaining"]
        cost = database.generations.find_one()["cost_credits"]
        assert before - after == cost, (before, after, cost)
        return f"{cost} credit for one generation, by a hold and single-document writes"


@trap("commands and stages that are not there")
def not_there():
    with cosmos() as uri:
        assert run(uri, "init-db").returncode == 0
        stats = run(uri, "stats")
        assert stats.returncode == 0 and "generations" in stats.stdout, stats
        doctor = run(uri, "doctor")
        assert "cosmos-ru" in doctor.stdout, doctor.stdout + doctor.stderr
        return "stats and doctor need none of them"


@trap("an index at start-up makes the collection")
def index_makes_collection():
    with cosmos() as uri:
        ran = run(uri, "init-db", GESSO_COSMOS_SHARDED="true")
        assert ran.returncode == 0, ran
        database = pymongo.MongoClient(uri, retryWrites=False).imagegenerator
        made = database.command({"customAction": "GetCollection", "collection": "generations"})
        assert made.get("shardKeyDefinition") == {"_id": "hashed"}, made
        return f"generations by {made['shardKeyDefinition']}"


if __name__ == "__main__":
    run_all()
