"""Replicate and OpenAI as far as a service of images needs them, made from the formats that they
publish (replicate.com/docs/reference/http, platform.openai.com/docs/api-reference/images), with
their failures: what is next to go wrong is put into `faults`."""

import base64
import collections
import contextlib
import datetime
import hashlib
import hmac
import http.server
import itertools
import json
import re
import struct
import threading
import time
import zlib

VERSION = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
OFFICIAL = "black-forest-labs/flux-schnell"
TERMINAL = ("succeeded", "failed", "canceled", "aborted")
THROTTLED = "Request was throttled. Your rate limit resets in ~1s."
NSFW = "NSFW content detected. Try running it again, or try a different prompt."


def png(red, size=64):
    """A PNG of one colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((red % 256, 90, 140)) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * size)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=(), kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self):
        """The answer is lost: the connection ends without one."""
        self.close_connection = True

    def do_GET(self):
        self.server.standin.handle(self, "GET", None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.standin.handle(self, "POST", body)


class StandIn:
    token = "token"

    def __init__(self):
        self.lock = threading.RLock()
        self.faults = collections.deque()  # what happens to the next creates, in order
        self.requests = collections.Counter()
        self.bodies = []  # of creates
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.standin = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next_fault(self):
        with self.lock:
            return self.faults.popleft() if self.faults else None


class Replicate(StandIn):
    """`seconds` is how long a prediction takes, and words of its prompt say how it ends."""

    token = "r8_standin"
    secret = "whsec_" + base64.b64encode(b"replicate stand-in").decode()

    def __init__(self, seconds=0.2):
        super().__init__()
        self.seconds = seconds
        self.predictions = {}  # by id, oldest first
        self.numbers = itertools.count(1)
        self.page = 100

    # -- what it makes ---------------------------------------------------------------------------

    def create(self, request, version, model):
        identifier = hashlib.sha256(str(next(self.numbers)).encode()).hexdigest()[:26]
        prediction = {
            "id": identifier,
            "model": model,
            "version": version,
            "input": request["input"],
            "output": None,
            "logs": "",
            "error": None,
            "status": "starting",
            "created_at": now(),
            "started_at": None,
            "completed_at": None,
            "data_removed": False,
            "source": "api",
            "metrics": {},
            "urls": {
                "get": f"{self.url}/v1/predictions/{identifier}",
                "cancel": f"{self.url}/v1/predictions/{identifier}/cancel",
            },
            "webhook": request.get("webhook"),
            "webhook_events_filter": request.get("webhook_events_filter"),
            "_since": time.monotonic(),
        }
        with self.lock:
            self.predictions[identifier] = prediction
        return prediction

    def advance(self, prediction):
        """What time makes of it."""
        if prediction["status"] in TERMINAL:
            return
        age = time.monotonic() - prediction["_since"]
        prompt = prediction["input"].get("prompt", "")
        if "never begins" in prompt:
            if age > self.seconds:
                prediction.update(status="aborted", completed_at=now())
            return
        if age > self.seconds / 2 and not prediction["started_at"]:
            prediction.update(status="processing", started_at=now())
        if "odd state" in prompt and age < self.seconds:
            prediction["status"] = "queued_somewhere_new"
        if age > self.seconds and "takes for ever" not in prompt:
            self.end(prediction, prompt)

    def end(self, prediction, prompt):
        if "naked" in prompt:
            prediction.update(status="failed", error=NSFW)
        elif "breaks" in prompt:
            prediction.update(status="failed", error="CUDA out of memory")
        else:
            count = prediction["input"].get("num_outputs", 1)
            files = [f"{self.url}/files/{prediction['id']}/out-{i}.png" for i in range(count)]
            prediction.update(status="succeeded", output=files, metrics={"predict_time": self.seconds})
        prediction["completed_at"] = now()

    def shown(self, prediction):
        with self.lock:
            self.advance(prediction)
            return {name: value for name, value in prediction.items() if not name.startswith("_")}

    def of(self, generation):
        """The predictions that were made for a generation."""
        with self.lock:
            return [p for p in self.predictions.values() if (p["webhook"] or "").endswith(f"?gen={generation}")]

    def webhook(self, prediction):
        """The body and the headers of a webhook about it, signed as Replicate signs."""
        body = json.dumps(self.shown(prediction)).encode()
        identifier, stamp = f"msg_{prediction['id']}", str(int(time.time()))
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.new(key, f"{identifier}.{stamp}.".encode() + body, hashlib.sha256).digest()
        signature = "v1," + base64.b64encode(digest).decode()
        return body, {
            "Content-Type": "application/json",
            "webhook-id": identifier,
            "webhook-timestamp": stamp,
            "webhook-signature": signature,
        }

    # -- what it is asked ------------------------------------------------------------------------

    def handle(self, handler, method, body):
        path, _, query = handler.path.partition("?")
        if path.startswith("/files/"):
            self.requests["file"] += 1
            return handler.reply(200, png(len(path)), kind="image/png")
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            detail = "You did not pass a valid authentication token"
            return handler.reply(401, {"title": "Unauthenticated", "detail": detail, "status": 401})
        if method == "POST" and (path == "/v1/predictions" or re.fullmatch(r"/v1/models/[^/]+/[^/]+/predictions", path)):
            return self.handle_create(handler, path, json.loads(body))
        if method == "GET" and path.startswith("/v1/models/"):
            return self.handle_model(handler, path.removeprefix("/v1/models/"))
        if method == "GET" and path == "/v1/predictions":
            return self.handle_list(handler, query)
        found = re.fullmatch(r"/v1/predictions/([^/]+)(/cancel)?", path)
        prediction = found and self.predictions.get(found.group(1))
        if not prediction:
            return handler.reply(404, {"detail": "The requested resource could not be found."})
        if found.group(2):
            self.requests["cancel"] += 1
            with self.lock:
                self.advance(prediction)
                if prediction["status"] not in TERMINAL:
                    prediction.update(status="canceled", completed_at=now())
        else:
            self.requests["poll"] += 1
        handler.reply(200, self.shown(prediction))

    def handle_create(self, handler, path, request):
        self.requests["create"] += 1
        self.bodies.append(request)
        fault = self.next_fault()
        if fault == "throttle":
            return handler.reply(429, {"detail": THROTTLED}, [("Retry-After", "1")])
        if fault == "payment":
            detail = "You have insufficient credit to run this model. Go to billing to purchase credit."
            return handler.reply(402, {"title": "Insufficient credit", "detail": detail, "status": 402})
        if fault == "invalid":
            wrong = [{"type": "invalid", "field": "input.width", "description": "Must be at most 1024"}]
            detail = "- input.width: Must be at most 1024\n"
            problem = {"title": "Input validation failed", "detail": detail, "status": 422, "invalid_fields": wrong}
            return handler.reply(422, problem)
        if fault == "unavailable":
            return handler.reply(503, {"detail": "Service unavailable"})
        version = request.get("version", "")
        version = version.split(":")[-1]
        official = re.fullmatch(r"/v1/models/(.+)/predictions", path)
        if official:
            if official.group(1) != OFFICIAL:
                return handler.reply(404, {"detail": "The requested resource could not be found."})
        elif version != VERSION:
            detail = "- version: The specified version does not exist\n"
            return handler.reply(422, {"title": "Invalid version or not permitted", "detail": detail, "status": 422})
        if not isinstance(request.get("input", {}).get("prompt"), str):
            detail = "- input: prompt is required\n"
            return handler.reply(422, {"title": "Input validation failed", "detail": detail, "status": 422})
        prediction = self.create(request, "hidden" if official else version, OFFICIAL if official else "stability-ai/sdxl")
        if fault == "lose":
            return handler.hang_up()
        if fault == "break":
            return handler.reply(500, {"detail": "Internal server error"})
        handler.reply(201, self.shown(prediction))

    def handle_model(self, handler, name):
        """GET /v1/models/{owner}/{name} and its /versions/{id}: what there is."""
        self.requests["model"] += 1
        if name == OFFICIAL:
            owner, short = OFFICIAL.split("/")
            return handler.reply(200, {"owner": owner, "name": short, "visibility": "public"})
        if name == f"stability-ai/sdxl/versions/{VERSION}":
            return handler.reply(200, {"id": VERSION, "created_at": now(), "cog_version": "0.8.1"})
        handler.reply(404, {"detail": "The requested resource could not be found."})

    def handle_list(self, handler, query):
        self.requests["list"] += 1
        at = int(query.removeprefix("cursor=") or 0) if query else 0
        newest = list(reversed(list(self.predictions.values())))
        some = [self.shown(p) for p in newest[at : at + self.page]]
        following = f"{self.url}/v1/predictions?cursor={at + self.page}" if at + self.page < len(newest) else None
        handler.reply(200, {"previous": None, "next": following, "results": some})


class Openai(StandIn):
    token = "sk-standin"
    model = "gpt-image-2"

    def __init__(self, seconds=0.1):
        super().__init__()
        self.seconds = seconds

    def refuse(self, handler, status, code, message, kind="invalid_request_error", headers=()):
        problem = {"message": message, "type": kind, "param": None, "code": code}
        handler.reply(status, {"error": problem}, headers)

    def handle(self, handler, method, body):
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            return self.refuse(handler, 401, "invalid_api_key", "Incorrect API key provided.")
        if method == "GET" and handler.path == f"/v1/models/{self.model}":
            return handler.reply(200, {"id": self.model, "object": "model", "created": 1, "owned_by": "system"})
        if method == "GET" and handler.path.startswith("/v1/models/"):
            name = handler.path.removeprefix("/v1/models/")
            return self.refuse(handler, 404, "model_not_found", f"The model '{name}' does not exist")
        if (method, handler.path) != ("POST", "/v1/images/generations"):
            return self.refuse(handler, 404, None, f"Invalid URL ({method} {handler.path})")
        request = json.loads(body)
        self.requests["create"] += 1
        self.bodies.append(request)
        fault = self.next_fault()
        if fault == "throttle":
            message = "Rate limit reached for images per minute."
            return self.refuse(handler, 429, "rate_limit_exceeded", message, "requests", [("Retry-After", "1")])
        if fault == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return self.refuse(handler, 429, "insufficient_quota", message, "insufficient_quota")
        if fault == "unavailable":
            return self.refuse(handler, 503, None, "The server is overloaded.", "server_error")
        if request.get("model") != self.model:
            message = f"The model '{request.get('model')}' does not exist or you do not have access to it."
            return self.refuse(handler, 404, "model_not_found", message)
        if not re.fullmatch(r"\d+x\d+|auto", request.get("size", "auto")):
            return self.refuse(handler, 400, "invalid_value", f"Invalid size '{request.get('size')}'.")
        if "naked" in request.get("prompt", ""):
            message = "Your request was rejected by the safety system."
            return self.refuse(handler, 400, "moderation_blocked", message, "image_generation_user_error")
        time.sleep(self.seconds)
        if fault == "lose":
            return handler.hang_up()
        images = [{"b64_json": base64.b64encode(png(i)).decode()} for i in range(request.get("n", 1))]
        usage = {"total_tokens": 100, "input_tokens": 50, "output_tokens": 50}
        with contextlib.suppress(BrokenPipeError):
            handler.reply(200, {"created": int(time.time()), "data": images, "usage": usage})
