#!/usr/bin/env python3
"""What deploys Gesso on Azure: the scripts against a pretended `az`, every call of theirs and of the
documents against the argument parser of Debian's azure-cli, the scripts with the real `az` and a
pretended resource manager, the Bicep against all of it."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import bicep_tests
import document_tests
import documentdb_tests
import emulator_tests
import image_tests
import options_tests
import real_az_tests
import rotate_tests
import setup_tests
import standin_az
from support.harness import ROOT, Checks, build_folder

# What the parser must refuse, so that it is known to look: a call, and what it must say.
WRONG = [
    (["cosmosdb", "create", "--name", "a", "--resource-group", "g", "--sever-version", "4.2"], "sever-version"),
    (["cosmosdb", "create", "--name", "a"], "--resource-group"),
    (["cosmosdb", "create", "--name", "a", "--resource-group", "g", "--server-version", "9.9"], "9.9"),
    (["cosmosdb", "keys", "list", "--name", "a", "--resource-group", "g", "--query", "[?"], "--query"),
    (["keyvault", "secret", "set", "--vault-name", "v", "--name", "n", "--vale", "x"], "--vale"),
    (["keyvault", "create", "--name", "v", "--resource-grou", "g"], "no whole option"),
    (["group", "exist", "--name", "g"], "no such command"),
    (["monitor", "diagnostic-settings", "create", "--name", "n", "--resource", "/r", "--logs", '[{"categry": "x"}]'],
     "categry"),
]  # fmt: skip
WRONG_RESOURCES = [
    ({"location": "x", "properties": {"managedEnviromentId": "y"}}, "managedEnviromentId"),
    ({"location": "x", "properties": {"template": {"containers": {}}}}, "a list is expected"),
    ({"location": "x", "properties": {"configuration": {"ingress": {"targetPort": "8080"}}}}, "int is expected"),
    ({"location": "x", "properties": {"provisioningState": "Succeeded"}}, "cannot be set"),
]


def shell_scripts():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [
        str(path.relative_to(ROOT)) for path in ROOT.glob("**/*") if "build" not in path.parts and path.is_file()
    ]
    for name in names:
        path = ROOT / name
        if path.is_file() and os.access(path, os.X_OK):
            with open(path, "rb") as file:
                first = file.readline(64)
            if first.startswith(b"#!") and (b"bash" in first or first.rstrip().endswith(b"/sh")):
                yield name


def lint(checks):
    scripts = sorted(shell_scripts())
    checks.check("the scripts are found", {"run", "test", ".ci/run", "tools/packages", "tools/build",
                                           "deploy/azure/setup.sh", "deploy/azure/rotate.sh", "deploy/azure/documentdb.sh"} <= set(scripts), scripts)
    for name in scripts:
        # With what they source, which is not executable.
        done = subprocess.run(["shellcheck", "--norc", "-x", "-a", "-P", "SCRIPTDIR", ROOT / name], capture_output=True, text=True)
        checks.check(f"shellcheck finds nothing in {name}", done.returncode == 0, done.stdout)


def packages(checks):
    """azure-cli is large: who only runs the service does not install it."""

    def wanted(*arguments):
        with tempfile.TemporaryDirectory() as folder:
            for name, does in {
                "dpkg-query": "true",
                "sudo": '"$@"',
                "apt-get": f'[ "$1" = update ] || printf "%s\\n" "$@" > {folder}/wanted',
            }.items():
                program = pathlib.Path(folder) / name
                program.write_text(f"#!/bin/sh\n{does}\n")
                program.chmod(0o755)
            subprocess.run([ROOT / "tools" / "packages", *arguments], check=True, stderr=subprocess.DEVNULL,
                           env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
            return set((pathlib.Path(folder) / "wanted").read_text().split())

    run, test = wanted("--without-tests"), wanted()
    checks.check("./run installs what builds the service", {"g++", "cmake", "libmongoc-dev", "curl"} <= run, run)
    checks.check("./run installs nothing of the tests", not {"azure-cli", "shellcheck", "libgtest-dev"} & run, run)
    checks.check("./test installs all of it", run < test and {"azure-cli", "shellcheck"} <= test, test)


def variables(checks, build):
    """What the apps are started with is what gesso takes."""
    apps = [one["body"] for one in standin_az.every_body
            if one["type"] == "Microsoft.App/containerApps" and "paint-kv" in str(one["body"])][:2]
    commands = [app["properties"]["template"]["containers"][0]["command"] for app in apps]
    checks.check("one app serves and one works", sorted(commands) == [["gesso", "serve"], ["gesso", "work"]], commands)
    for app in apps:
        variables_of(checks, build, app)


def variables_of(checks, build, app):
    secrets = {one["name"]: one["value"] for one in app["properties"]["configuration"].get("secrets", [])}
    (container,) = app["properties"]["template"]["containers"]
    given = {one["name"]: one.get("value") or secrets[one["secretRef"]] for one in container["env"]}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([build / "gesso", "config"], cwd=folder, capture_output=True, text=True,
                              env={**{"PATH": os.environ["PATH"]}, **given})
    checks.check("gesso takes the app's variables", done.returncode == 0, done.stderr)
    shown = [name for name in given if name in done.stdout]
    checks.check("gesso shows that it took each", len(shown) == len(given), f"{given.keys()}\n{done.stdout}")
    checks.check("gesso does not show the key", not any(one in done.stdout for one in secrets.values()), done.stdout)


def parsed(checks, documented):
    """Every call that was recorded, shown or documented, in one process of the parser."""
    calls = [*standin_az.every_call.items(), *documented]
    asked = {
        "calls": [*[list(call) for call, _ in calls], *[call for call, _ in WRONG]],
        "resources": [*standin_az.every_body, *[
            {"type": "Microsoft.App/containerApps", "body": body} for body, _ in WRONG_RESOURCES]],
    }
    done = subprocess.run(
        ["/usr/bin/python3", HERE / "az_parser.py"], input=json.dumps(asked), capture_output=True, text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AZURE_"))})
    if not checks.check("the parser of azure-cli can be loaded", done.returncode == 0, done.stderr):
        return
    answer = json.loads(done.stdout)
    for (call, origin), fault in zip(calls, answer["calls"]):
        checks.check(f"{origin}: az {' '.join(call)[:120]}", fault is None, f"az {' '.join(call)}\n{fault}")
    for (call, said), fault in zip(WRONG, answer["calls"][len(calls):], strict=True):
        checks.check(f"the parser refuses az {' '.join(call)}", fault is not None and said in fault, fault)
    count = len(standin_az.every_body)
    for one, fault in zip(standin_az.every_body, answer["resources"]):
        checks.check(f"the SDK knows this {one['type']}", fault is None, fault)
    for (body, said), fault in zip(WRONG_RESOURCES, answer["resources"][count:], strict=True):
        checks.check(f"the SDK's model refuses {body}", fault is not None and said in fault, fault)


def main():
    build, checks = build_folder(), Checks()
    lint(checks)
    packages(checks)
    checks.run("each stage of the image has what it needs and no more", image_tests.each_stage_has_what_it_needs, build)
    checks.run("a wrong list of packages is seen", image_tests.a_wrong_list_is_seen, build)
    checks.run("the image's packages are Debian's", image_tests.packages_are_debian_s)
    checks.run("the image is built from what is there", image_tests.what_it_builds_is_there)
    checks.run("what runs is small", image_tests.what_runs_is_small)
    checks.run("the console is built in", image_tests.the_console_is_built_in)
    checks.run("gesso takes the image's settings", image_tests.settings_are_gesso_s, build)
    for name, test in emulator_tests.OF_THE_PROGRAM.items():
        checks.run(name, test, build)
    tests = {**emulator_tests.TESTS, **documentdb_tests.TESTS, **options_tests.TESTS, **real_az_tests.TESTS, **setup_tests.TESTS, **rotate_tests.TESTS, **bicep_tests.TESTS}
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        running = {name: pool.submit(test) for name, test in tests.items()}
        for name, result in running.items():
            checks.run(name, result.result)
    documented = document_tests.calls()
    for name, test in document_tests.TESTS.items():
        checks.run(name, test)
    variables(checks, build)
    parsed(checks, documented)
    checks.close()


main()
