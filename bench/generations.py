#!/usr/bin/env python3
"""What becomes of generations, measured over loopback with processes of their own:

  bench/generations.py streams --listeners 5000     memory for each listener on an event stream, and how
                                                    long after a worker's completing its event comes
  bench/generations.py throughput --count 4000      generations a second, from requests to pictures
  bench/generations.py throughput --no-pictures     the same without them: this script claims what it has
                                                    asked for and says that it is done, by the workers' API

The client is this script (asyncio, one thread), on the same cores as the service. On a machine that does
other things, too, what counts is the service's CPU for each generation, which `throughput` prints.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.painting import SERVES, SETTINGS, User, ask  # noqa: E402
from support.harness import program  # noqa: E402

CREDITS = 10  # of a new account, and what ten images cost
AT_ONCE = 32
WORKS = r"Gesso \S+ works"


def allow_files(wanted):
    """Raises the limit of open files, which the processes that are started inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            sys.exit(f"ulimit -n: expected at least {wanted}, found {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def resident(process):
    """Bytes of memory that a process has."""
    pages = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Connection:
    """HTTP/1.1 on one connection, one request after another."""

    def __init__(self, port):
        self.port = port

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**18)
        return self

    def send(self, method, path, headers, body=b""):
        lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def head(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        return int(head.split()[1]), head

    async def ask(self, method, path, headers, body=b""):
        self.send(method, path, headers, body)
        status, head = await self.head()
        length = re.search(r"(?i)content-length: (\d+)", head)
        return status, await self.reader.readexactly(int(length.group(1)))


async def create(port, users, count):
    """So many generations; (user, id) of each."""
    numbers = iter(range(count))
    made = []

    async def one():
        connection = await Connection(port).open()
        for number in numbers:
            user = users[number % len(users)]
            body = json.dumps({"prompt": f"A lake number {number}", "image_size": "256x256"}).encode()
            headers = {**user.headers, "Content-Type": "application/json"}
            status, reply = await connection.ask("POST", "/api/v1/generations", headers, body)
            if status != 201:
                raise AssertionError(f"{status}: {reply[:300]}")
            made.append((user, json.loads(reply)["id"]))
        connection.writer.close()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return made


def register(service, count):
    return [User(service, f"u{i}") for i in range((count + CREDITS - 1) // CREDITS)]


@contextlib.contextmanager
def serving(build, folder, **settings):
    environment = {**os.environ, **SETTINGS, "GESSO_PREVIEW_EDGE": "64", "GESSO_WORKER_LEASE": "1m", **settings}
    command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
    with program(command, SERVES, env=environment) as (process, match):
        yield process, match.group(1), environment


# ---- Listeners -----------------------------------------------------------------------------------


async def listen(port, user, generation, began, arrived):
    """Reads one stream to its end, and sets `began` at its first event; `arrived` gets the end's data and the moment at which it came."""
    connection = await Connection(port).open()
    connection.send("GET", f"/api/v1/generations/{generation}/events", user.headers)
    status, _ = await connection.head()
    if status != 200:
        raise AssertionError(f"a stream: {status}")
    await connection.reader.readuntil(b"\n\n")
    began.set_result(None)
    seen = b""
    while b"event: completed" not in seen or not seen.rstrip(b"\r\n0").endswith(b"}"):
        piece = await connection.reader.read(2**16)
        now = time.time()
        if not piece:
            break
        seen += piece
    arrived.append((seen, now))
    connection.writer.close()


async def first_of(all_begun, *tasks):
    """Waits until all have begun; raises what one of them raised before."""
    done, _ = await asyncio.wait([all_begun, *tasks], return_when=asyncio.FIRST_COMPLETED, timeout=60)
    for task in done:
        task.result()
    if not all_begun.done():
        raise AssertionError("not all streams began within a minute")


async def measure_streams(build, options, folder, process, service, environment):
    port = int(service.rsplit(":", 1)[1])
    users = register(service, options.listeners)
    made = await create(port, users, options.listeners)
    before = resident(process)
    arrived = []
    # Some at a time: the queue of connections that wait to be accepted is bounded.
    tasks = []
    for at in range(0, len(made), 100):
        some = made[at : at + 100]
        began = [asyncio.get_running_loop().create_future() for _ in some]
        new = [asyncio.create_task(listen(port, user, one, first, arrived)) for (user, one), first in zip(some, began)]
        tasks += new
        await first_of(asyncio.gather(*began), *new)
    held = resident(process) - before
    print(f"report: {len(tasks)} listeners: {held / len(tasks) / 1024:.1f} KiB of the service each "
          f"({before / 2**20:.0f} MiB before, {(before + held) / 2**20:.0f} MiB then)", flush=True)  # fmt: skip
    cpu = time.monotonic(), cpu_seconds(process)
    await asyncio.sleep(options.idle)  # what is measured
    idle = (cpu_seconds(process) - cpu[1]) / (time.monotonic() - cpu[0])
    print(f"report: idle listeners: {100 * idle:.1f} % of a core", flush=True)
    command = [build / "gesso", "work", "--data-dir", folder, "--worker-parallel", str(options.parallel)]
    with contextlib.ExitStack() as stack:
        # In a thread, so that what comes meanwhile is read when it comes.
        await asyncio.to_thread(stack.enter_context, program(command, WORKS, env=environment))
        started = time.monotonic()
        await asyncio.gather(*tasks)
        seconds = time.monotonic() - started
    late = []
    for seen, now in arrived:
        data = re.findall(rb"data: (\{.*\})", seen)[-1]
        text = json.loads(data)["completed_at"].replace("Z", "+00:00")
        late.append(now - datetime.datetime.fromisoformat(text).timestamp())
    print(f"report: {len(late)} ends told, {len(late) / seconds:.0f} a second, each after "
          f"p50 {1000 * percentile(late, 0.5):.1f} ms, p99 {1000 * percentile(late, 0.99):.1f} ms, "
          f"most {1000 * max(late):.1f} ms", flush=True)  # fmt: skip


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def streams(build, options):
    allow_files(2 * options.listeners + 1000)
    settings = {"GESSO_WORKER_PARALLEL": "0", "GESSO_MAX_CONNECTIONS": str(options.listeners + 1000)}
    with tempfile.TemporaryDirectory() as folder, serving(build, folder, **settings) as (process, service, environment):
        asyncio.run(measure_streams(build, options, folder, process, service, environment))


# ---- Throughput ----------------------------------------------------------------------------------


def by_its_own_worker(service, users, count):
    """The service paints; seconds until all were asked for."""

    def ended(outcome):
        text = ask(service + "/metrics", raw=True).decode()
        found = re.search(rf'gesso_worker_ends_total\{{outcome="{outcome}",provider="preview"\}} (\d+)', text)
        return int(found.group(1)) if found else 0

    began = time.monotonic()
    asyncio.run(create(int(service.rsplit(":", 1)[1]), users, count))
    asked = time.monotonic() - began
    while ended("completed") < count:
        if ended("failed"):
            raise AssertionError(f"{ended('failed')} failed")
        time.sleep(0.1)  # between two looks, each of which costs the service some of its CPU
    return asked


def worker_key(build, service, folder):
    """The headers of an outside worker."""
    admin = User(service, "painter")
    command = [build / "gesso", "set-role", "--email", "painter@example.com", "--data-dir", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    admin.headers = {"Authorization": f"Bearer {admin.log_in('painter')}"}
    key = admin.ask("/users/me/api-keys", "POST", {"name": "painter", "scopes": ["worker"]})["key"]
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


async def complete_all(port, headers, count):
    """Workers from outside, who claim and say that it is done until so many are."""
    left = count

    async def one(name):
        nonlocal left
        connection = await Connection(port).open()

        async def post(path, **body):
            status, reply = await connection.ask("POST", path, headers, json.dumps({"worker": name, **body}).encode())
            if status != 200:
                raise AssertionError(f"{path}: {status}: {reply[:300]}")
            return json.loads(reply)

        while left > 0:
            work = (await post("/api/v1/worker/claim")).get("work")
            if work is None:
                await asyncio.sleep(0.01)  # until more are asked for
                continue
            path = f"/api/v1/worker/generations/{work['generation']['id']}/complete"
            await post(path, attempt=work["attempt"], result_urls=["https://images.example.com/1.png"])
            left -= 1
        connection.writer.close()

    await asyncio.gather(*(one(f"painter-{i}") for i in range(AT_ONCE)))


def by_this_script(service, users, count, headers):
    port = int(service.rsplit(":", 1)[1])
    asked = 0

    async def all_of_it():
        nonlocal asked
        began = time.monotonic()
        workers = asyncio.create_task(complete_all(port, headers, count))
        await create(port, users, count)
        asked = time.monotonic() - began
        await workers

    asyncio.run(all_of_it())
    return asked


def throughput(build, options):
    settings = {"GESSO_PREVIEW_EDGE": str(options.edge)}
    if options.no_pictures:
        settings["GESSO_WORKER_PARALLEL"] = "0"
    with tempfile.TemporaryDirectory() as folder, serving(build, folder, **settings) as (process, service, _):
        users = register(service, options.count)
        headers = worker_key(build, service, folder) if options.no_pictures else None
        cpu, began = cpu_seconds(process), time.monotonic()
        if options.no_pictures:
            asked = by_this_script(service, users, options.count, headers)
        else:
            asked = by_its_own_worker(service, users, options.count)
        seconds = time.monotonic() - began
        used = (cpu_seconds(process) - cpu) / options.count
        what = "without pictures" if options.no_pictures else f"with pictures of {options.edge} pixels"
        print(f"report: {options.count} generations {what}: asked for in {asked:.1f} s, all completed after {seconds:.1f} s, "
              f"{options.count / seconds:.0f} a second, {1000 * used:.2f} ms of the service's CPU each: "
              f"{os.cpu_count() / used:.0f} a second on {os.cpu_count()} cores of its own", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    commands = parser.add_subparsers(required=True)
    of_streams = commands.add_parser("streams")
    of_streams.add_argument("--listeners", type=int, default=5000)
    of_streams.add_argument("--parallel", type=int, default=4, help="generations that the worker is at work on at once")
    of_streams.add_argument("--idle", type=float, default=5, help="seconds in which nothing happens")
    of_streams.set_defaults(run=streams)
    of_throughput = commands.add_parser("throughput")
    of_throughput.add_argument("--count", type=int, default=4000)
    of_throughput.add_argument("--edge", type=int, default=64, help="of the previews, in pixels")
    of_throughput.add_argument("--no-pictures", action="store_true")
    of_throughput.set_defaults(run=throughput)
    options = parser.parse_args()
    options.run(options.build.resolve(), options)


if __name__ == "__main__":
    main()
