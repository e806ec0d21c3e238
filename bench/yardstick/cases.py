"""The cases: what is measured against what. Each is a function of a Run that gives rows."""

import contextlib
import functools
import itertools
import json
import pathlib
import subprocess
import tempfile
import urllib.request

from . import servers
from .rounds import Row, alternate, at_least, at_most, ratio_at_least, ratio_at_most, row
from .servers import client, lmdb

DOCUMENT_BYTES = 456
DOCUMENTS = 100_000
BESIDE_DOCUMENTS = 300_000
FERRETDB_DOCUMENTS = 20_000  # it reads all of them for most questions
LARGE_DOCUMENTS = 5_000_000
SMALL_DOCUMENTS = 10_000
CASES = {}


def case(about, large=False):
    """Registers a function as a case under its name; `large` ones run only when asked for."""

    def register(function):
        name = function.__name__.replace("_", "-")
        CASES[name] = functools.partial(function, name)
        CASES[name].about, CASES[name].large = about, large
        return function

    return register


class Run:
    """One run: its rounds, its folder, and the servers that cases share, started when first used."""

    def __init__(self, rounds, seconds, documents=DOCUMENTS, before=None):
        self.rounds, self.seconds, self.documents, self.before = rounds, seconds, documents, before
        self.stack = contextlib.ExitStack()
        self.numbers = itertools.count()

    def __enter__(self):
        scratch = tempfile.TemporaryDirectory(dir=servers.ROOT / "build", prefix="bench-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.stack.enter_context(scratch))
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    def new_folder(self):
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        return folder

    @functools.cached_property
    def engine(self):
        server = self.stack.enter_context(servers.localdb(self.new_folder()))
        client(server, "fill", documents=self.documents)
        return server

    @functools.cached_property
    def ferretdb(self):
        return self.stack.enter_context(servers.ferretdb(self.new_folder()))

    @functools.cached_property
    def bare(self):
        folder = self.new_folder()
        lmdb(folder, "fill", documents=self.documents)
        return folder

    @functools.cached_property
    def service(self):
        return Service(self.stack.enter_context(servers.gesso_service(self.new_folder())))

    @functools.cached_property
    def peer(self):
        return Service(self.stack.enter_context(servers.peer_service(self.new_folder())))

    @functools.cached_property
    def trusting_peer(self):
        return Service(self.stack.enter_context(servers.peer_service(self.new_folder(), trusts_token=True)))

    def of_engine(self, load, **options):
        return functools.partial(client, self.engine, load, **{"seconds": self.seconds, "documents": self.documents, **options})

    def of_bare(self, load, **options):
        return functools.partial(lmdb, self.bare, load, **{"seconds": self.seconds, "documents": self.documents, **options})


class Service:
    """A service with one user who has credits enough, and a list of generations."""

    GRANT = (
        "import sys, pymongo\n"
        "users = pymongo.MongoClient(sys.argv[1]).imagegenerator.users\n"
        "assert users.update_many({}, {'$set': {'credits_remaining': 1_000_000_000}}).modified_count\n"
    )
    POST = (
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        "wrk.body = '{\"prompt\": \"A beautiful sunset over mountains\"}'\n"
    )
    PATH = "/api/v1/generations"

    def __init__(self, server):
        self.server = server
        self.script = server.folder / "post.lua"
        self.script.write_text(self.POST)
        person = {"email": "bench@example.com", "password": "correct horse"}
        self.request("/api/v1/auth/register", person)
        self.token = self.request("/api/v1/auth/login", person)["access_token"]
        subprocess.run([servers.peer_python(), "-c", self.GRANT, server.database], check=True)
        for _ in range(50):
            made = self.request(self.PATH, {"prompt": "A beautiful sunset over mountains"})
        self.one = f"{self.PATH}/{made['id']}"
        for path in (self.one, self.PATH):
            self.get(path, 32, 1)  # warm
        self.post(32, 1)

    def request(self, path, body):
        headers = {"Content-Type": "application/json"}
        if path == self.PATH:
            headers["Authorization"] = f"Bearer {self.token}"
        asked = urllib.request.Request(self.server.address + path, json.dumps(body).encode(), headers)
        return json.loads(urllib.request.urlopen(asked, timeout=30).read())

    def get(self, path, connections, seconds):
        return servers.wrk(self.server, path, self.token, connections, seconds)

    def post(self, connections, seconds):
        return servers.wrk(self.server, self.PATH, self.token, connections, seconds, self.script)


FASTAPI = "FastAPI + Motor"


# What a service has to be worth, by kind of request and connections: requests a CPU second beside
# the peer's.
SERVICE_AIMS = {("POST", 1): 10, ("POST", 32): 25, ("POST", 256): 25} | {
    (what, connections): 25 for what in ("GET of one", "list of 20") for connections in (32, 256)
}


def service_rows(name, run, peer_name, peer, connections):
    ours, seconds = run.service, max(1, round(2 * run.seconds))
    for what, of in (
        ("GET of one", lambda one: one.get(one.one, count, seconds)),
        ("list of 20", lambda one: one.get(one.PATH, count, seconds)),
        ("POST", lambda one: one.post(count, seconds)),
    ):
        for count in connections:
            pairs = alternate(run.rounds, lambda: of(ours), lambda: of(peer))
            label = f"{what}, connections: {count}"
            aim = SERVICE_AIMS.get((what, count))
            yield row(
                name, f"{label}: requests a CPU second", "1/s", pairs, "requests_per_cpu_second", peer_name,
                aim and ratio_at_least(aim),
            )  # fmt: skip
            yield row(name, f"{label}: CPU a request", "us", pairs, "cpu_us", peer_name)
            yield row(name, f"{label}: requests a second", "1/s", pairs, "requests_per_second", peer_name)
            yield row(name, f"{label}: p50", "ms", pairs, "p50_ms", peer_name)
            yield row(name, f"{label}: p99", "ms", pairs, "p99_ms", peer_name)


@case("GET of one generation, a list of 20, POST of one: 1, 32 and 256 connections")
def service(name, run):
    yield from service_rows(name, run, FASTAPI, run.peer, (1, 32, 256))


@case("the same beside a peer that trusts a token without looking at its user, 32 connections")
def trusting(name, run):
    yield from service_rows(name, run, f"{FASTAPI}, trusting", run.trusting_peer, (32,))


@case("find by _id against ping, both through libmongoc on the engine")
def find_id(name, run):
    for threads in (1, 32):
        pairs = alternate(run.rounds, run.of_engine("find_id", threads=threads), run.of_engine("ping", threads=threads))
        yield row(name, f"find by _id, connections: {threads}", "1/s", pairs, "per_second", "ping", ratio_at_least(0.85))


@case("find of 20 in order by an index against ping, both through libmongoc on the engine")
def find_20(name, run):
    for threads in (1, 32):
        pairs = alternate(run.rounds, run.of_engine("find_20", threads=threads), run.of_engine("ping", threads=threads))
        yield row(name, f"find of 20, connections: {threads}", "1/s", pairs, "per_second", "ping", ratio_at_least(0.6))


@case("find by _id against a get of bare LMDB: what the protocol and the driver take")
def get_bare(name, run):
    pairs = alternate(run.rounds, run.of_engine("find_id"), run.of_bare("get"))
    yield row(name, "find by _id, one connection", "1/s", pairs, "per_second", "bare LMDB, get")


@case("durable single inserts from 32 connections against bare LMDB with groups of the same size")
def insert(name, run):
    def of_bare():
        group = max(1, round(of_engine.writes / of_engine.commits))
        return lmdb(run.bare, "insert", threads=32, seconds=run.seconds, documents=run.documents, group=group)

    def of_engine():
        sample = client(run.engine, "insert", threads=32, seconds=run.seconds, documents=run.documents)
        of_engine.writes, of_engine.commits = sample["writes"], sample["commits"]
        return {**sample, "group": sample["writes"] / max(1, sample["commits"])}

    def peer():
        sample = of_bare()
        return {**sample, "group": sample["writes"] / max(1, sample["commits"])}

    pairs = alternate(run.rounds, of_engine, peer)
    yield row(name, "inserts, 32 connections", "1/s", pairs, "per_second", "bare LMDB, same groups", ratio_at_least(0.6))
    pairs = alternate(run.rounds, run.of_engine("insert"), run.of_bare("insert"))
    yield row(name, "inserts, one connection", "1/s", pairs, "per_second", "bare LMDB")


@case("$inc of one document at one connection, durable, against a put of bare LMDB")
def inc(name, run):
    pairs = alternate(run.rounds, run.of_engine("inc"), run.of_bare("inc"))
    what = "$inc, one connection: CPU of the engine"
    yield row(name, what, "ms", pairs, "server_cpu_us", "bare LMDB", at_most(0.4), 0.001, "client_cpu_us")
    yield row(name, "$inc, one connection", "1/s", pairs, "per_second", "bare LMDB")


@case("inserts of 1,000 documents a command, without an index and with five, against bare LMDB")
def bulk(name, run):
    for indexes, aim in ((0, 150), (5, 70)):
        pairs = alternate(
            run.rounds,
            run.of_engine("fill", collection="bulk", indexes=indexes),
            functools.partial(lmdb, run.folder / "bulk", "fill", documents=run.documents, indexes=indexes),
        )
        what = "bulk inserts" + (f", {indexes} indexes" if indexes else "")
        yield row(name, what, "k/s", pairs, "per_second", "bare LMDB", at_least(aim), 0.001)


@case("a scan with two conditions, against a loop over bare LMDB with libbson")
def scan(name, run):
    pairs = alternate(run.rounds, run.of_engine("scan"), run.of_bare("scan"))
    yield row(name, "scan, two conditions", "M documents/s", pairs, "units_per_second", "LMDB + libbson", at_least(3), 1e-6)


@case("$match and $count of an indexed field against count")
def match_count(name, run):
    pairs = alternate(run.rounds, run.of_engine("match_count"), run.of_engine("count"))
    what = "$match + $count by an index"
    yield row(name, what, "M entries/s", pairs, "units_per_second", "count", ratio_at_least(0.9), 1e-6)


@case("p99 of single inserts beside statements about 300,000 documents, against inserts alone")
def beside(name, run):
    documents = BESIDE_DOCUMENTS if run.documents >= DOCUMENTS else run.documents
    options = {"collection": "beside", "documents": documents, "threads": 4, "seconds": max(1, run.seconds)}

    def fill():
        client(run.engine, "fill", collection="beside", documents=documents, indexes=1)

    for statement in ("updateMany", "deleteMany", "createIndex"):

        def with_statement():
            if statement == "deleteMany" or not filled:
                fill()
                filled.append(True)
            return client(run.engine, f"beside-{statement}", **options)

        filled = []
        pairs = alternate(run.rounds, with_statement, functools.partial(client, run.engine, "beside-nothing", **options))
        what = f"insert beside {statement}: p99"
        yield row(name, what, "ms", pairs, "p99_us", "inserts alone", at_most(20), 0.001)


@case(f"bytes of file for a document of {DOCUMENT_BYTES} bytes")
def size(name, run):
    def of_engine():
        folder = run.new_folder()
        with servers.localdb(folder) as server:
            empty = file_bytes(folder / "data")
            client(server, "fill", documents=run.documents, indexes=0)
            return {"bytes": (file_bytes(folder / "data") - empty) / run.documents}

    def of_bare():
        return {"bytes": lmdb(run.new_folder(), "fill", documents=run.documents)["file_bytes"] / run.documents}

    pairs = alternate(run.rounds, of_engine, lambda: {"bytes": DOCUMENT_BYTES})
    yield row(name, "file, a document", "bytes", pairs, "bytes", "the document", ratio_at_most(1.3))
    pairs = alternate(run.rounds, of_engine, of_bare)
    yield row(name, "file, a document", "bytes", pairs, "bytes", "bare LMDB")


def file_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.mdb") if not path.name.startswith("lock"))


@case("the engine against FerretDB on SQLite, the same loads through the same client")
def ferretdb(name, run):
    peer_name = f"FerretDB {servers.FERRETDB[1:]} on SQLite"
    documents = min(run.documents, FERRETDB_DOCUMENTS)
    options = {"collection": "peer", "documents": documents, "seconds": run.seconds, "warm_up": 0}
    for load, what, threads in (
        ("fill", f"bulk inserts of {documents:,}, five indexes", 1),
        ("insert", "inserts, one connection", 1),
        ("insert", "inserts, 8 connections", 8),
        ("inc", "$inc, one connection", 1),
        ("find_id", "find by _id", 1),
        ("find_20", "find of 20 by an index", 1),
        ("count", "count by an index", 1),
        ("match_count", "$match + $count by an index", 1),
        ("scan", "scan, two conditions", 1),
    ):
        pairs = alternate(
            run.rounds,
            functools.partial(client, run.engine, load, threads=threads, **options),
            functools.partial(client, run.ferretdb, load, threads=threads, **options),
        )
        yield row(name, what, "1/s", pairs, "per_second", peer_name)


@case("5,000,000 documents against 10,000 in the same engine", large=True)
def large(name, run):
    quick = run.documents < DOCUMENTS
    sizes = {"large": run.documents if quick else LARGE_DOCUMENTS, "small": 1000 if quick else SMALL_DOCUMENTS}
    with servers.localdb(run.new_folder()) as server:
        for collection, documents in sizes.items():
            client(server, "fill", collection=collection, documents=documents, indexes=1)

        def of(collection, load, **options):
            def measure():
                options_now = {"documents": sizes[collection], "seconds": run.seconds, **options}
                sample = client(server, load, collection=collection, **options_now)
                return {**sample, "us": 1e6 / sample["per_second"]}

            return measure

        peer_name = f"{sizes['small']:,} documents"
        for load, what, options, key in (
            ("find_id", "find by _id", {}, "us"),
            ("find_20", "20 in order", {}, "us"),
            ("insert", "insert, 32 connections: CPU of the engine", {"threads": 32}, "server_cpu_us"),
        ):
            into = {c: {"into": c} if load == "insert" else {} for c in sizes}
            pairs = alternate(
                run.rounds,
                of("large", load, **options, **into["large"]),
                of("small", load, **options, **into["small"]),
            )
            what = f"{what}, {sizes['large']:,} documents"
            yield row(name, what, "us", pairs, key, peer_name, ratio_at_most(1.5))


@case("this build against an earlier one (--before PROGRAM)", large=True)
def before(name, run):
    """Old data folders and new ones do not mix: each build has its own."""
    peer_name = "before"
    with contextlib.ExitStack() as stack:
        engines = [
            stack.enter_context(servers.localdb(run.new_folder(), program))
            for program in (servers.BUILD / "gesso", run.before)
        ]
        for engine in engines:
            client(engine, "fill", documents=run.documents)

        def turns(load, **options):
            options = {"seconds": run.seconds, "documents": run.documents, **options}
            ours, peer = (functools.partial(client, engine, load, **options) for engine in engines)
            return alternate(run.rounds, ours, peer)

        for load, what, options, unit, key, scale in (
            ("ping", "ping, one connection", {}, "1/s", "per_second", 1),
            ("find_id", "find by _id, one connection", {}, "1/s", "per_second", 1),
            ("find_20", "find of 20, one connection", {}, "1/s", "per_second", 1),
            ("insert", "inserts, 32 connections", {"threads": 32}, "1/s", "per_second", 1),
            ("inc", "$inc, one connection: CPU of the engine", {}, "ms", "server_cpu_us", 0.001),
            ("fill", "bulk inserts", {"collection": "bulk", "indexes": 0}, "k/s", "per_second", 0.001),
            ("fill", "bulk inserts, five indexes", {"collection": "bulk", "indexes": 5}, "k/s", "per_second", 0.001),
            ("scan", "scan, two conditions", {}, "M documents/s", "units_per_second", 1e-6),
            ("match_count", "$match + $count by an index", {}, "M entries/s", "units_per_second", 1e-6),
        ):
            yield row(name, what, unit, turns(load, **options), key, peer_name, scale=scale)
        documents = BESIDE_DOCUMENTS if run.documents >= DOCUMENTS else run.documents
        for statement in ("updateMany", "deleteMany", "createIndex"):

            def measure(engine):
                client(engine, "fill", collection="beside", documents=documents, indexes=1)
                return client(
                    engine, f"beside-{statement}",
                    collection="beside", documents=documents, threads=4, seconds=max(1, run.seconds),
                )  # fmt: skip

            ours, peer = (functools.partial(measure, engine) for engine in engines)
            yield row(name, f"insert beside {statement}: p99", "ms", alternate(run.rounds, ours, peer), "p99_us", peer_name, scale=0.001)
    with contextlib.ExitStack() as stack:
        ours, peer = (
            Service(stack.enter_context(servers.gesso_service(run.new_folder(), program)))
            for program in (servers.BUILD / "gesso", run.before)
        )
        seconds = max(1, round(2 * run.seconds))
        for connections, what in ((32, "32 connections"), (1, "one connection")):
            pairs = alternate(
                run.rounds, lambda: ours.post(connections, seconds), lambda: peer.post(connections, seconds)
            )
            yield row(name, f"POST, {what}: CPU a request", "us", pairs, "cpu_us", peer_name)
            yield row(name, f"POST, {what}: median latency", "ms", pairs, "p50_ms", peer_name)


@case("find_by_id and create through the repository against bare libmongoc, on an engine in the process")
def repository(name, run):
    seconds = 5 * run.seconds
    report = servers.line_of_json([servers.BUILD / "bench" / "repository_bench", "--seconds-per-figure", seconds])
    for one in report["repository"]:
        yield Row(
            case=name,
            what=f"{one['name']}, threads: {one['threads']}",
            unit="1/s",
            ours=one["gesso"],
            peer_name="bare libmongoc",
            peer=one["bare"],
            ratio=one["ratio"],
            lowest=min(ours / peer for ours, peer in one["rounds"]),
            highest=max(ours / peer for ours, peer in one["rounds"]),
            rounds=one["rounds"],
        )


@case("nanoseconds for a document through the codec")
def codec(name, run):
    command = [servers.BUILD / "bench" / "codec_bench", "--benchmark_format=json", f"--benchmark_repetitions={run.rounds}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {}
    for one in json.loads(done.stdout)["benchmarks"]:
        if one["run_type"] == "iteration":
            found.setdefault(one["run_name"], []).append(one["cpu_time"])
    for what, times in found.items():
        times.sort()
        yield Row(
            case=name, what=what, unit="ns", ours=times[len(times) // 2], lowest=times[0], highest=times[-1],
            rounds=[[one, None] for one in times],
        )  # fmt: skip
