"""The programs that are measured: built where they are not, started, watched and ended."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
PEERS = ROOT / "build" / "peers"  # what the peers are made of; never committed
sys.path.insert(0, str(ROOT / "tests"))
from support.harness import program  # noqa: E402

FERRETDB = "v1.24.2"


def build():
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    targets = ["gesso", "codec_bench", "repository_bench", "client_bench", "lmdb_bench"]
    subprocess.run([ROOT / "tools" / "build", BUILD, *targets], check=True)


def peer_python():
    """The interpreter of an environment that holds bench/peer/requirements.txt."""
    wanted = (ROOT / "bench" / "peer" / "requirements.txt").read_text()
    folder = PEERS / "venv"
    complete = folder / "complete"
    if not complete.exists() or complete.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", ROOT / "bench" / "peer" / "requirements.txt"], check=True)
        complete.write_text(wanted)
    return folder / "bin" / "python"


def ferretdb_program():
    """FerretDB from its Go module, which holds no version file: a release has its tag there."""
    made = PEERS / f"ferretdb-{FERRETDB}"
    if not made.exists():
        module = f"github.com/FerretDB/FerretDB@{FERRETDB}"
        found = subprocess.run(
            ["go", "mod", "download", "-json", module], cwd="/", check=True, capture_output=True, text=True
        )
        source = PEERS / f"ferretdb-{FERRETDB}-source"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(json.loads(found.stdout)["Dir"], source)
        subprocess.run(["chmod", "-R", "u+w", source], check=True)
        (source / "build" / "version" / "version.txt").write_text(FERRETDB + "\n")
        subprocess.run(["go", "build", "-o", made, "./cmd/ferretdb"], cwd=source, check=True)
    return made


def socket_uri(path):
    return "mongodb://" + str(path).replace("/", "%2F") + "/"


class Server:
    """What runs: its connection string or address, and its processes, for their CPU."""

    def __init__(self, address, pids, folder):
        self.address, self.pids, self.folder = address, pids, folder

    @property
    def pid(self):
        return self.pids[0]

    def cpu_seconds(self):
        return sum(cpu_seconds(one) for pid in self.pids for one in [pid, *descendants(pid)])


def descendants(pid):
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def cpu_seconds(pid):
    """The CPU that a process has used, to the nanosecond: its clock, as clock_getcpuclockid names it."""
    return time.clock_gettime(~pid << 3 | 2)


def wait_until_ready(check, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def localdb(folder, gesso=BUILD / "gesso"):
    """The engine alone, on a Unix socket."""
    socket = folder / "db.sock"
    command = [gesso, "localdb", "--listen", "none", "--unix-socket", socket, "--data-dir", folder / "data"]
    with program(command, r"Gesso localdb listens") as (process, _):
        yield Server(socket_uri(socket), [process.pid], folder / "data")


@contextlib.contextmanager
def ferretdb(folder):
    """FerretDB on SQLite, on a Unix socket."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "db.sock"
    command = [
        ferretdb_program(), "--handler=sqlite", f"--sqlite-url=file:{folder}/", f"--state-dir={folder}",
        "--listen-addr=", f"--listen-unix={socket}", "--debug-addr=-", "--telemetry=disable", "--log-level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(lambda: client(Server(socket_uri(socket), [process.pid], folder), "ping", seconds=0))
        yield Server(socket_uri(socket), [process.pid], folder)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def gesso_service(folder, gesso=BUILD / "gesso"):
    """Gesso's service with its embedded engine: one process, which paints nothing; nor does the peer."""
    command = [gesso, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder / "data"]
    environment = {**os.environ, "GESSO_LIMITS": "*.* = unlimited", "GESSO_WORKER_PARALLEL": "0"}
    with program(command, r"http://127\.0\.0\.1:(\d+)", env=environment) as (process, match):
        server = Server(f"http://127.0.0.1:{match.group(1)}", [process.pid], folder / "data")
        server.database = socket_uri(next((folder / "data").rglob("*.sock")))
        yield server


@contextlib.contextmanager
def peer_service(folder, trusts_token=False):
    """The peer application, a worker a core, and the engine in a process of its own behind it. One
    that trusts the token does not look whether its user is still active."""
    python = peer_python()
    with localdb(folder) as database:
        indexes = {**os.environ, "GESSO_MONGODB_URI": database.address}
        subprocess.run([BUILD / "gesso", "init-db"], env=indexes, check=True, stdout=subprocess.DEVNULL)
        command = [
            python, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", "0",
            "--workers", str(os.cpu_count()), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        ]  # fmt: skip
        environment = {**os.environ, "MONGODB_URI": database.address, "TOKEN_KEY": "0123456789abcdef" * 4}
        if trusts_token:
            environment["TRUST_TOKEN"] = "1"
        with program(
            command, r"running on http://127\.0\.0\.1:(\d+)", cwd=ROOT / "bench" / "peer", env=environment
        ) as (process, match):
            address = f"http://127.0.0.1:{match.group(1)}"
            wait_until_ready(lambda: urllib.request.urlopen(f"{address}/healthz", timeout=5).read())
            server = Server(address, [process.pid, database.pid], database.folder)
            server.database = database.address
            yield server


def line_of_json(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def options_of(options):
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]


def client(server, load, **options):
    """One measurement of a server that speaks the MongoDB protocol."""
    command = [BUILD / "bench" / "client_bench", "--uri", server.address, "--server-pid", server.pid, "--load", load]
    return line_of_json([*command, *options_of(options)])


def lmdb(folder, load, **options):
    """One measurement of bare LMDB."""
    command = [BUILD / "bench" / "lmdb_bench", "--folder", folder, "--load", load]
    return line_of_json([*command, *options_of(options)])


def milliseconds(text):
    value, unit = re.match(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def wrk(server, path, token, connections, seconds, script=None):
    """One measurement of an HTTP service; its CPU is that of all its processes, wrk's is not in it."""
    command = ["wrk", "-t2" if connections > 1 else "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-H", f"Authorization: Bearer {token}"]
    if script:
        command += ["-s", script]
    before = server.cpu_seconds()
    output = subprocess.run([*command, server.address + path], capture_output=True, text=True, check=True).stdout
    cpu = server.cpu_seconds() - before
    total = int(re.search(r"(\d+) requests in", output).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if refused or not total:
        raise RuntimeError(f"{path}: {output}")
    return {
        "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),
        "cpu_us": 1e6 * cpu / total,
        "requests_per_cpu_second": total / cpu,
        "p50_ms": milliseconds(re.search(r"^\s+50%\s+(\S+)", output, re.MULTILINE).group(1)),
        "p99_ms": milliseconds(re.search(r"^\s+99%\s+(\S+)", output, re.MULTILINE).group(1)),
    }
