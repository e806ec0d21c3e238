#!/usr/bin/env python3
"""Soak: two minutes at 70 % of what the service can do, and what becomes of its memory.

    bench/soak.py                      on the preset `bench`, with the embedded engine
    bench/soak.py --seconds 600 --share 0.5
    bench/soak.py --gesso PROGRAM      another build's program
    bench/soak.py --quick              ten seconds and a low rate, to see that it works

First the capacity: as many requests as 32 clients get answered who wait for each answer. Then, in the
same run, an open loop at a share of that, whose requests are due at their moments however long others
take: looking, listing, making, painting, watching to the end, logging in. Prints times by kind, the
resident memory that is the process's own (not the pages of its data file), its slope, and the open
descriptors. Nothing here decides whether a test passes; the exit code is 1 where a request failed.
"""

import argparse
import asyncio
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from yardstick import servers

sys.path.insert(0, str(servers.ROOT / "tests"))
from support.load import Client, Load, NoAnswer, encode  # noqa: E402
from support.venv import python_with  # noqa: E402

CLIENTS = 32
USERS = 20
PASSWORD = "correct horse battery"
ADMINISTRATOR = "operator@example.com"
GRANT = """
import sys, bson, pymongo
users = pymongo.MongoClient(sys.argv[1]).imagegenerator.users
users.update_many({}, {"$set": {"credits_remaining": bson.int64.Int64(10**9)}})
users.update_one({"email": sys.argv[2]}, {"$set": {"role": "admin"}})
"""


class Memory:
    """Samples of a process: seconds, resident bytes of its own and of files, descriptors."""

    def __init__(self, pid):
        self.status, self.descriptors = pathlib.Path(f"/proc/{pid}/status"), pathlib.Path(f"/proc/{pid}/fd")
        self.started, self.samples = time.monotonic(), []

    def take(self):
        fields = dict(line.split(":", 1) for line in self.status.read_text().splitlines())
        own, files = (1024 * int(fields[name].split()[0]) for name in ("RssAnon", "RssFile"))
        self.samples.append((time.monotonic() - self.started, own, files, sum(1 for _ in self.descriptors.iterdir())))

    async def watch(self, goes_on, every):
        while goes_on():
            self.take()
            await asyncio.sleep(every)

    def summary(self):
        """Over what was taken: the slope by least squares, and the means of the first and last quarter."""
        times, own, files, descriptors = zip(*self.samples)
        middle, mean = sum(times) / len(times), sum(own) / len(own)
        spread = sum((moment - middle) ** 2 for moment in times)
        slope = sum((moment - middle) * (size - mean) for moment, size in zip(times, own)) / spread if spread else 0.0
        quarter = max(1, len(own) // 4)
        return {
            "first_quarter_mib": sum(own[:quarter]) / quarter / 2**20,
            "last_quarter_mib": sum(own[-quarter:]) / quarter / 2**20,
            "slope_kib_per_second": slope / 1024,
            "file_mib": [files[0] / 2**20, files[-1] / 2**20],
            "descriptors": [min(descriptors), max(descriptors)],
            "mib": [round(size / 2**20, 1) for size in own[:: max(1, len(own) // 24)]],
        }


class People:
    """Users with credits enough, a worker, and what they ask for."""

    def __init__(self, client, dice):
        self.client, self.dice = client, dice
        self.tokens, self.worker, self.made, self.names = [], None, [], itertools.count()
        self.look_requests, self.list_requests, self.make_requests = [], [], []

    async def enter(self, database, count):
        emails = [f"soak{number}@example.com" for number in range(count)]
        for email in [*emails, ADMINISTRATOR]:
            await self.answer(201, "POST", "/api/v1/auth/register", None, {"email": email, "password": PASSWORD})
        python = python_with("pymongo==4.15.4")
        subprocess.run([python, "-c", GRANT, database, ADMINISTRATOR], check=True)
        self.tokens = [await self.log_in(email) for email in emails]
        scope = {"name": "painter", "scopes": ["worker"]}
        key = await self.answer(201, "POST", "/api/v1/users/me/api-keys", await self.log_in(ADMINISTRATOR), scope)
        self.worker = key["key"]
        for token in self.tokens:
            self.look_requests.append(encode("GET", "/api/v1/users/me", token))
            self.list_requests.append(encode("GET", "/api/v1/generations?limit=20", token))
            body = {"prompt": "A beautiful sunset over mountains"}
            self.make_requests.append(encode("POST", "/api/v1/generations", token, body))
        self.emails = emails

    async def log_in(self, email):
        login = await self.answer(200, "POST", "/api/v1/auth/login", None, {"email": email, "password": PASSWORD})
        return login["access_token"]

    async def answer(self, status, *request):
        response = await self.client.ask(*request)
        if response.status != status:
            raise NoAnswer(f"{request[0]} {request[1]}: {response.status} {response.body[:300]}")
        return response.json()

    async def expect(self, status, requests):
        response = await self.client.send(self.dice.choice(requests))
        if response.status != status:
            raise NoAnswer(f"{response.status} {response.body[:300]}")
        return response

    async def look(self):
        await self.expect(200, self.look_requests)

    async def list(self):
        await self.expect(200, self.list_requests)

    async def make(self):
        await self.expect(201, self.make_requests)

    async def login(self):
        """And out again: of a user's sessions the oldest makes room, and that is the one the others use."""
        token = await self.log_in(self.dice.choice(self.emails))
        response = await self.client.ask("POST", "/api/v1/auth/logout", token)
        if response.status != 204:
            raise NoAnswer(f"logout: {response.status}")

    async def paint(self):
        name = f"painter-{next(self.names)}"
        work = (await self.answer(200, "POST", "/api/v1/worker/claim", self.worker, {"worker": name})).get("work")
        if not work:
            return
        body = {"worker": name, "attempt": work["attempt"], "result_urls": ["https://images.example.com/1.png"]}
        await self.answer(200, "POST", f"/api/v1/worker/generations/{work['generation']['id']}/complete", self.worker, body)

    async def watch(self):
        """Makes one, and watches until it is cancelled: workers may have others before it."""
        token = self.dice.choice(self.tokens)
        made = await self.answer(201, "POST", "/api/v1/generations", token, {"prompt": "A fox in the snow"})
        path, state = f"/api/v1/generations/{made['id']}", None
        async for state, _ in self.client.events(f"{path}/events", token):
            if state in ("pending", "processing"):
                response = await self.client.ask("POST", f"{path}/cancel", token)
                if response.status not in (200, 409):
                    raise NoAnswer(f"cancel: {response.status}")
            if state == "processing":
                break  # a worker's now, which may not be told before it is done
        if state is None:
            raise NoAnswer("an event stream told nothing")

    def load(self, login_weight):
        return Load({
            "look": (4500, self.look), "list": (2500, self.list), "make": (1500, self.make), "paint": (1400, self.paint),
            "watch": (90, self.watch), "login": (login_weight, self.login),
        }, self.dice)  # fmt: skip


def for_seconds(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


async def soak(service, options):
    host, port = service.address.removeprefix("http://").split(":")
    client = Client(host, int(port))
    people = People(client, random.Random(5))
    await people.enter(service.database, options.users)
    login_weight = options.logins

    capacity = people.load(login_weight)
    warm = options.seconds / 12
    await capacity.closed_loop(options.clients, for_seconds(warm))  # pools fill, caches warm
    capacity = people.load(login_weight)
    began = time.monotonic()
    await capacity.closed_loop(options.clients, for_seconds(warm))
    measured = capacity.tally.count / (time.monotonic() - began)

    load, memory = people.load(login_weight), Memory(service.pid)
    rate, goes_on = options.rate or options.share * measured, for_seconds(options.seconds)
    began, cpu = time.monotonic(), service.cpu_seconds()
    await asyncio.gather(load.open_loop(rate, goes_on), memory.watch(goes_on, min(1.0, options.seconds / 20)))
    seconds = time.monotonic() - began
    client.close()
    return {
        "capacity_per_second": measured,
        "rate_per_second": rate,
        "seconds": seconds,
        "requests": load.tally.count,
        "cpu_share": (service.cpu_seconds() - cpu) / seconds,
        "failures": capacity.tally.failures + load.tally.failures,
        "ms": {kind: {name: 1e3 * load.tally.quantile(share, [kind]) for name, share in (("p50", 0.5), ("p99", 0.99))}
               | {"requests": len(load.tally.times[kind])} for kind in load.kinds},
        "memory": memory.summary(),
    }  # fmt: skip


def show(result):
    print(f"capacity {result['capacity_per_second']:.0f}/s; {result['requests']} requests in {result['seconds']:.0f} s "
          f"at {result['rate_per_second']:.0f}/s, {result['cpu_share']:.2f} cores of the service")
    print("| kind | requests | p50 ms | p99 ms | p99/p50 |\n| --- | --- | --- | --- | --- |")
    for kind, times in result["ms"].items():
        ratio = times["p99"] / times["p50"] if times["p50"] else 0.0
        print(f"| {kind} | {times['requests']} | {times['p50']:.2f} | {times['p99']:.2f} | {ratio:.1f} |")
    memory = result["memory"]
    print(f"memory of its own: {memory['first_quarter_mib']:.1f} MiB in the first quarter, {memory['last_quarter_mib']:.1f} "
          f"in the last, {memory['slope_kib_per_second']:+.1f} KiB/s; over time {memory['mib']}")
    print(f"pages of files: {memory['file_mib'][0]:.0f} to {memory['file_mib'][1]:.0f} MiB; "
          f"descriptors: {memory['descriptors'][0]} to {memory['descriptors'][1]}")
    print(f"failures: {len(result['failures'])}" + "".join(f"\n  {one}" for one in result["failures"][:10]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--share", type=float, default=0.7, help="of the capacity")
    parser.add_argument("--rate", type=float, help="requests a second, in place of a share")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="of the closed loop that finds the capacity")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--logins", type=int, default=10, help="of ten thousand requests; each takes a quarter second of CPU")
    parser.add_argument("--gesso", type=pathlib.Path, help="the program; without it the preset `bench` is built")
    parser.add_argument("--quick", action="store_true", help="ten seconds, four users, 60 requests a second")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.users, options.clients, options.rate, options.logins = 10.0, 4, 4, 60.0, 200
    if not options.gesso:
        servers.build()
    gesso = options.gesso or servers.BUILD / "gesso"
    with tempfile.TemporaryDirectory() as folder, servers.gesso_service(pathlib.Path(folder), gesso) as service:
        result = asyncio.run(soak(service, options))
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
