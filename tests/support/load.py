"""Load on an HTTP service from one thread: connections that are kept, requests that are due at their
moments however long the answers before them take, event streams, and what became of each.

Nothing is sent twice: an answer that does not come is a failure.
"""

import array
import asyncio
import collections
import json
import time

CLOSED = "closed without an answer"


def encode(method, path, token=None, body=None, **headers):
    """The bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Response:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def json(self):
        return json.loads(self.body)


class NoAnswer(Exception):
    pass


def parse_head(head):
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return int(status.split(" ", 2)[1]), {name.lower(): value for name, value in fields.items()}


class Connection(asyncio.Protocol):
    """One request at a time, whose answer has a Content-Length or no body."""

    def __init__(self):
        self.buffer, self.waiting, self.need, self.head = bytearray(), None, None, None
        self.transport, self.is_open, self.used = None, True, 0

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request):
        self.waiting = asyncio.get_running_loop().create_future()
        self.used += 1
        self.transport.write(request)
        return self.waiting

    def data_received(self, data):
        self.buffer += data
        if self.need is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = parse_head(self.buffer[:end])
            self.need = end + 4 + int(self.head[1].get("content-length", 0))
        if len(self.buffer) < self.need:
            return
        status, fields = self.head
        body = bytes(self.buffer[self.need - int(fields.get("content-length", 0)):self.need])
        del self.buffer[:self.need]
        self.need = None
        if fields.get("connection", "").lower() == "close":
            self.close()
        waiting, self.waiting = self.waiting, None
        if waiting and not waiting.done():
            waiting.set_result(Response(status, fields, body))

    def connection_lost(self, _):
        self.is_open = False
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(NoAnswer(f"{CLOSED}, request {self.used} of its connection"))

    def close(self):
        self.is_open = False
        if self.transport:
            self.transport.close()


class Client:
    """Connections to one address, as many as requests are outstanding."""

    def __init__(self, host, port, timeout=30.0):
        self.host, self.port, self.timeout, self.idle = host, port, timeout, []

    async def connection(self):
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open:
                return connection
        try:
            _, made = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        except OSError as error:
            raise NoAnswer(f"not connected: {error}") from error
        return made

    async def send(self, request):
        """The response; NoAnswer where there was none."""
        connection = await self.connection()
        try:
            response = await asyncio.wait_for(connection.ask(request), self.timeout)
        except asyncio.TimeoutError:
            connection.close()
            raise NoAnswer(f"no answer within {self.timeout} s") from None
        if connection.is_open:
            self.idle.append(connection)
        return response

    async def ask(self, method, path, token=None, body=None, **headers):
        return await self.send(encode(method, path, token, body, **headers))

    async def events(self, path, token, last_id=None):
        """Yields (event, id) of an event stream until it ends in good order."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            more = {} if last_id is None else {"Last_Event_ID": last_id}
            writer.write(encode("GET", path, token, **more))
            try:
                status, fields = parse_head((await reader.readuntil(b"\r\n\r\n"))[:-4])
                if status != 200:
                    raise NoAnswer(f"{status} {await reader.read(500)}")
                text = b""
                while size := int(await reader.readuntil(b"\n"), 16):
                    text += (await reader.readexactly(size + 2))[:-2]
                    *whole, text = text.split(b"\n\n")
                    for event in whole:
                        lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))
                        if b"event" in lines:
                            yield lines[b"event"].decode(), lines[b"id"].decode()
            except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
                raise NoAnswer(f"the event stream broke: {error!r}") from error
        finally:
            writer.close()

    def close(self):
        for connection in self.idle:
            connection.close()


class Tally:
    """What became of the requests, by kind."""

    def __init__(self):
        self.times = collections.defaultdict(lambda: array.array("d"))  # seconds, of the good ones
        self.failures = []
        self.count = 0

    def good(self, kind, seconds):
        self.count += 1
        self.times[kind].append(seconds)

    def bad(self, kind, why):
        self.count += 1
        self.failures.append(f"{kind}: {why}")

    def quantile(self, share, kinds=None):
        """In seconds, of these kinds; of all without."""
        times = sorted(time for kind in kinds or self.times for time in self.times[kind])
        return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0


class Load:
    """Actions by their weights. An action is a coroutine function that raises where it failed."""

    def __init__(self, actions, dice):
        self.kinds, self.weights, self.actions = zip(*((kind, weight, action) for kind, (weight, action) in actions.items()))
        self.dice, self.tally = dice, Tally()

    async def once(self, due):
        """One action; its time counts from the moment at which it was due."""
        number = self.dice.choices(range(len(self.kinds)), self.weights)[0]
        try:
            await self.actions[number]()
        except Exception as error:
            self.tally.bad(self.kinds[number], str(error) or repr(error))
        else:
            self.tally.good(self.kinds[number], time.perf_counter() - due)

    async def open_loop(self, rate, goes_on, most=10_000):
        """`rate` actions a second, evenly, while `goes_on()`; then waits for the last ones. No more
        than `most` wait for an answer: on a machine that is too slow for the rate, the rest comes late."""
        running, due = set(), time.perf_counter()
        while goes_on():
            while len(running) >= most:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                due = max(due, time.perf_counter())
            now = time.perf_counter()
            while due <= now and len(running) < most:
                task = asyncio.ensure_future(self.once(due))
                running.add(task)
                task.add_done_callback(running.discard)
                due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        while running:
            await asyncio.wait(running)

    async def closed_loop(self, clients, goes_on):
        """So many clients, each of whom waits for an answer before the next action."""

        async def one():
            while goes_on():
                await self.once(time.perf_counter())

        await asyncio.gather(*(one() for _ in range(clients)))
