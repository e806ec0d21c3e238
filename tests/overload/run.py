#!/usr/bin/env python3
"""Clients that mean no good, or are slow: the service refuses or cuts each of them, its memory stays
flat, and meanwhile /healthz answers in time. All of them come at once from here, each with its case."""

import contextlib
import json
import os
import pathlib
import resource
import select
import socket
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks, build_folder, program
from support.load import encode

SERVES = r"serves http://127\.0\.0\.1:(\d+)"
CONNECTIONS = 600  # that the service keeps
SETTINGS = {"GESSO_MAX_CONNECTIONS": str(CONNECTIONS), "GESSO_LIMITS": "*.* = unlimited", "GESSO_BCRYPT_ROUNDS": "4",
            "GESSO_WORKER_PARALLEL": "0"}  # what is posted stays as it is
HEADER_SECONDS, WRITE_SECONDS = 10, 30  # http::ServerOptions, each kept to a quarter of the shortest
MARGIN = 60  # seconds: the machine may be busy with other suites
HEALTHY_SECONDS, WORST_SECONDS = 0.5, 15  # of /healthz, half of the times and always, on that machine
GROWTH_MIB = 64  # of all of it together


class Service:
    def __init__(self, process, port):
        self.pid, self.port, self.token = process.pid, port, None

    def connect(self, receive_buffer=None):
        one = socket.socket()
        one.settimeout(WRITE_SECONDS + 2 * MARGIN)
        if receive_buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        one.connect(("127.0.0.1", self.port))
        return one

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def peers(self):
        """Ports of the clients whose connections it holds; what the kernel alone has still to send has no inode."""
        rows = [line.split() for line in pathlib.Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return {int(row[2][-4:], 16) for row in rows if int(row[1][-4:], 16) == self.port and row[9] != "0"}

    def memory(self):
        """Resident, its own, in MiB."""
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(fields["RssAnon"].split()[0]) / 1024


def read_all(one):
    """What comes until the other end closes; a reset ends it too."""
    text = b""
    with contextlib.suppress(ConnectionError):
        while piece := one.recv(65536):
            text += piece
    return text


def status_of(text):
    return int(text.split(b" ", 2)[1]) if text.startswith(b"HTTP/") else None


def is_closed(one):
    """Whether the other end has closed, all that came before read and thrown away."""
    try:
        while True:
            if not one.recv(65536, socket.MSG_DONTWAIT):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


class Health:
    """Asks /healthz again and again, on a connection of its own that stays; keeps the times."""

    def __init__(self, service):
        self.service, self.times, self.wrong = service, [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        connection = self.service.connect()
        request = encode("GET", "/healthz")
        while not self.stop.wait(0.1):
            began = time.monotonic()
            connection.sendall(request)
            status = status_of(connection.recv(65536))
            self.times.append(time.monotonic() - began)
            if status != 200:
                self.wrong.append(status)
                return

    def end(self):
        self.stop.set()
        self.thread.join()


def slowloris(service):
    """Headers that never end, a byte now and then: cut when their time is over, however they drip."""
    many = [service.connect() for _ in range(100)]
    for one in many:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    deadline, cut = time.monotonic() + HEADER_SECONDS * 1.25 + MARGIN, 0
    while many and time.monotonic() < deadline:
        _, writable, _ = select.select([], many, [], 1.0)
        for one in writable:
            with contextlib.suppress(OSError):
                one.send(b"a")
        gone = [one for one in many if is_closed(one)]
        cut += len(gone)
        many = [one for one in many if one not in gone]
        time.sleep(0.5)  # the pace of the attack: not a wait for anything
    assert not many, f"{len(many)} of them are still open, {cut} were cut"


def slow_body(service):
    """A body that was announced and does not come."""
    with service.connect() as one:
        one.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        began = time.monotonic()
        status = status_of(read_all(one))
        assert status in (None, 408), status
        assert time.monotonic() - began < WRITE_SECONDS * 1.25 + MARGIN


def huge_headers(service):
    for request in (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Large: " + b"a" * 1_000_000,
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(100_000)),
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        with service.connect() as one:
            with contextlib.suppress(ConnectionError):  # it need not read to the end
                one.sendall(request)
            assert status_of(read_all(one)) in (431, 414, None), request[:60]
    with service.connect() as one:  # just beyond what is taken: the answer can be read
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Large: " + b"a" * 17_000 + b"\r\n\r\n")
        text = read_all(one)
        assert status_of(text) == 431
        # What the server refuses by itself has the fields of every response.
        assert b"X-Content-Type-Options: nosniff" in text and b"Cache-Control: no-store" in text, text


def large_body(service):
    with service.connect() as one:
        one.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n\r\n")
        assert status_of(read_all(one)) == 413


def json_bombs(service):
    """Nesting, and what grows when it is read: refused at once, each on the same connection."""
    bombs = [
        b"[" * 500_000, b'{"a":' * 100_000, b"[" * 200_000 + b"]" * 200_000,
        b'{"email": ' + b"[" * 400_000 + b"]" * 400_000 + b"}", b'{"email": "' + b"\\u0000" * 100_000 + b'"}',
        b"{" + b",".join(b'"%d":1' % n for n in range(80_000)) + b"}", b"1" * 900_000, b"-" * 900_000,
    ]  # fmt: skip
    with service.connect() as one:
        for bomb in bombs:
            head = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(bomb)}\r\n\r\n"
            one.sendall(head.encode() + bomb)
            status = status_of(one.recv(65536))
            assert status in (400, 422), (bomb[:20], status)
            while select.select([one], [], [], 0.2)[0]:  # the rest of that answer
                assert one.recv(65536), "closed between two requests"


def never_reads(service):
    """Asks for a long list again and again and reads nothing of it: cut when its time is over."""
    request = encode("GET", "/api/v1/generations?limit=100", service.token) * 400  # 10 MiB: the kernel keeps 4
    many = [service.connect(receive_buffer=4096) for _ in range(6)]
    for one in many:
        one.settimeout(1)
        with contextlib.suppress(OSError):
            one.sendall(request)
    ports, deadline = {one.getsockname()[1] for one in many}, time.monotonic() + WRITE_SECONDS * 1.25 + MARGIN
    while held := ports & service.peers():
        assert time.monotonic() < deadline, f"{len(held)} of them are still served"
        time.sleep(0.5)  # nothing tells the client, which does not read: look again shortly


def events_never_read(service):
    """Event streams of one generation that nobody reads, while its state changes and comes to its end."""
    made = service.ask("POST", "/api/v1/generations", {"prompt": "A lighthouse at dusk"})
    path = f"/api/v1/generations/{made['id']}"
    many = [service.connect(receive_buffer=4096) for _ in range(100)]
    for one in many:
        one.sendall(encode("GET", f"{path}/events", service.token))
    for one in many:
        assert select.select([one], [], [], 30)[0], "a stream did not begin"
    assert service.ask("POST", f"{path}/cancel")["status"] == "cancelled"
    texts = [read_all_of_stream(one) for one in many]  # at last they read: all of them end, and well
    assert all(b"event: cancelled" in text for text in texts), texts[0]


def read_all_of_stream(one):
    text = b""
    while not text.endswith(b"0\r\n\r\n"):
        piece = one.recv(65536)
        assert piece, text
        text += piece
    return text


def idle_connections(service):
    """As many as there may be; more are turned away at once, in words, until some go."""
    many = []
    try:
        refused = None
        while len(many) < CONNECTIONS + 50 and refused is None:
            one = service.connect()
            many.append(one)
            if len(many) > CONNECTIONS // 2:  # the others hold some of the places
                one.sendall(encode("GET", "/api/v1/plans"))
                text = one.recv(65536)
                if status_of(text) != 200:
                    refused = text
        assert refused is not None, f"{len(many)} connections, and no end"
        assert status_of(refused) == 503 and b"Retry-After:" in refused, refused
    finally:
        for one in many:
            one.close()
    deadline = time.monotonic() + MARGIN
    while True:  # the places are free again
        with service.connect() as one:
            one.sendall(encode("GET", "/api/v1/plans"))
            if status_of(one.recv(65536)) == 200:
                return
        assert time.monotonic() < deadline, "turned away though there is room"


def enter(service):
    """A user with a list that takes some room."""
    person = {"email": "ann@example.com", "password": "a lighthouse at dusk"}
    service.ask("POST", "/api/v1/auth/register", person)
    service.token = service.ask("POST", "/api/v1/auth/login", person)["access_token"]
    for _ in range(9):
        service.ask("POST", "/api/v1/generations", {"prompt": "A lighthouse at dusk. " * 90, "negative_prompt": "Fog. " * 300})


def together(checks, attacks, service):
    threads = [
        threading.Thread(target=checks.run, args=(attack.__name__.replace("_", " "), attack, service))
        for attack in attacks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    build, checks = build_folder(), Checks()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with tempfile.TemporaryDirectory() as folder:
        command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        # What was freed is freed: sanitizers keep 256 MiB of it otherwise.
        sanitizers = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4:thread_local_quarantine_size_kb=64"}
        with program(command, SERVES, env={**os.environ, **SETTINGS, **sanitizers}) as (process, match):
            service = Service(process, int(match.group(1)))
            enter(service)
            together(checks, [json_bombs, huge_headers, large_body], service)  # what is touched once
            before, health = service.memory(), Health(service)
            together(checks, [slowloris, slow_body, never_reads, events_never_read, json_bombs, huge_headers, large_body], service)
            checks.run("idle connections", idle_connections, service)
            health.end()
            grown = service.memory() - before
            times = sorted(health.times)
            checks.check("/healthz was asked all the time", len(times) > 50, len(times))
            checks.check("and answered", not health.wrong, health.wrong)
            checks.check("in time", times[len(times) // 2] < HEALTHY_SECONDS and times[-1] < WORST_SECONDS, times[-20:])
            checks.check("memory stays flat", grown < GROWTH_MIB, f"{before:.0f} MiB and {grown:.0f} more")
            checks.check("it works as before", service.ask("GET", "/api/v1/users/me")["email"] == "ann@example.com")
            print(f"report: /healthz within {1e3 * times[-1]:.0f} ms, memory {grown:+.1f} MiB")
    checks.close()


main()
