#!/usr/bin/env python3
"""The Debian package: made of what is built, installed beside this machine's own packages into a folder,
started as its units say, and removed."""

import configparser
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import ROOT, Checks, build_folder, program
from support.painting import SERVES, User, ask

UNITS = "/usr/lib/systemd/system"
SERVICES = ["gesso-serve.service", "gesso-work.service"]
# What must not be missing from a service that is reached from outside.
HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "DynamicUser": "yes",
    "CapabilityBoundingSet": "", "KillSignal": "SIGTERM", "StateDirectory": "gesso",
}  # fmt: skip


def output(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, **options).stdout


def unit(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    parser.optionxform = str
    parser.read(path)
    return parser


def packed(build, folder):
    output("cpack", "--config", build / "CPackConfig.cmake", "-B", folder, cwd=build)
    (package,) = folder.glob("*.deb")
    return package


def described(checks, build, package):
    field = lambda name: output("dpkg-deb", "--field", package, name).strip()
    version = output(build / "gesso", "--version").split()[-1]
    checks.check("it is called gesso", field("Package") == "gesso" and package.name.startswith("gesso_"), package.name)
    checks.check("it has the program's version", field("Version") == version, (field("Version"), version))
    checks.check("it is of this architecture", field("Architecture") == output("dpkg", "--print-architecture").strip())
    needed = {one.split()[0] for one in field("Depends").split(", ")}
    wanted = {"ca-certificates", "libc6", "libmongoc-1.0-0", "libcurl4", "liblmdb0"}
    checks.check("it depends on the program's libraries", wanted <= needed, needed)


def contents(checks, package):
    listed = {}
    for line in output("dpkg-deb", "--contents", package).splitlines():
        mode, owner, _, _, _, name = line.split(maxsplit=5)
        listed[name.removeprefix(".")] = (mode, owner)
    files = sorted(name for name in listed if not name.endswith("/"))
    wanted = ["/etc/gesso/gesso.env", *[f"{UNITS}/{one}" for one in SERVICES], "/usr/bin/gesso",
              "/usr/share/doc/gesso/OPERATIONS.md", "/usr/share/doc/gesso/README.md"]  # fmt: skip
    checks.check("it holds the program, its units and its settings", files == sorted(wanted), files)
    checks.check("all is root's", {owner for _, owner in listed.values()} == {"root/root"}, listed)
    checks.check("root alone reads the settings", listed["/etc/gesso/gesso.env"][0] == "-rw-------", listed)
    checks.check("everybody may run the program", listed["/usr/bin/gesso"][0] == "-rwxr-xr-x", listed)


def hardened(checks, package, root):
    for name in SERVICES:
        service = unit(f"{root}{UNITS}/{name}")["Service"]
        weak = {key: service.get(key) for key, value in HARDENED.items() if service.get(key) != value}
        checks.check(f"{name} may do no more than it needs", not weak, weak)
    if not shutil.which("systemd-analyze"):
        print("report: systemd-analyze is not here: units are not verified", flush=True)
        return
    with tempfile.TemporaryDirectory() as machine:
        output("dpkg-deb", "--extract", package, machine)
        for target in pathlib.Path("/usr/lib/systemd/system").glob("*.target"):
            shutil.copy(target, f"{machine}{UNITS}")
        wrong = pathlib.Path(f"{machine}{UNITS}/wrong.service")
        wrong.write_text("[Service]\nExecStart=/usr/bin/there-is-none\nType=whatever\n")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={machine}", f"{UNITS}/wrong.service"],
                              capture_output=True, text=True)  # fmt: skip
        checks.check("systemd-analyze finds what is wrong", "wrong.service" in done.stderr, done.stderr)
        for name in SERVICES:
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={machine}", f"{UNITS}/{name}"],
                                  capture_output=True, text=True)  # fmt: skip
            said = [line for line in done.stderr.splitlines() if name in line]
            checks.check(f"systemd takes {name}", not said, done.stderr)


def started(root, state, name, **more):
    """The command and the variables that systemd starts the service with."""
    service = unit(f"{root}{UNITS}/{name}")["Service"]
    program_, *arguments = shlex.split(service["ExecStart"])
    given = dict(one.split("=", 1) for one in shlex.split(service["Environment"]))
    file = service["EnvironmentFile"].removeprefix("-")
    for line in pathlib.Path(f"{root}{file}").read_text().splitlines():
        if line and not line.startswith("#"):
            given.update([line.split("=", 1)])
    assert given["GESSO_DATA_DIR"] == service["WorkingDirectory"] == "/var/lib/" + service["StateDirectory"], service
    sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    environment = {"PATH": "/usr/bin:/bin", **sanitizers, **given, "GESSO_DATA_DIR": str(state), **more}
    return [f"{root}{program_}", *arguments], environment


def walked(checks, root, state):
    """As installed: the service answers, a worker beside it paints, and SIGTERM ends both."""
    settings = pathlib.Path(f"{root}/etc/gesso/gesso.env")
    settings.write_text(settings.read_text() + "GESSO_LISTEN=127.0.0.1:0\nGESSO_LOG_LEVEL=info\n")
    command, environment = started(root, state, "gesso-serve.service", GESSO_WORKER_PARALLEL="0", GESSO_BCRYPT_ROUNDS="4")
    with program(command, SERVES, env=environment, cwd=state) as (service, match):
        url = match.group(1)
        checks.check("it is healthy", ask(f"{url}/healthz", raw=True) is not None)
        checks.check("it is ready", ask(f"{url}/readyz", raw=True) is not None)
        user = User(url, "ada")
        made = user.post()
        command, environment = started(root, state, "gesso-work.service")
        with program(command, r"^Gesso \S+ works$", env=environment, cwd=state) as (worker, _):
            done = user.wait(made)
            checks.check("the worker paints", done["status"] == "completed", done)
            worker.send_signal(signal.SIGTERM)
            checks.check("the worker ends when told to", worker.wait(60) == 0, worker.returncode)
        service.send_signal(signal.SIGTERM)
        checks.check("the service ends when told to", service.wait(60) == 0, service.returncode)


class Machine:
    """A folder with what this machine has installed, as far as dpkg knows, and nothing else."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.root.mkdir()
        self.admin = folder / "dpkg"
        self.admin.mkdir()
        for name in ("info", "updates", "triggers"):
            (self.admin / name).mkdir()
        shutil.copy("/var/lib/dpkg/status", self.admin / "status")
        (self.admin / "available").touch()

    def dpkg(self, *arguments):
        # Its scripts run without a chroot, and know by DPKG_ROOT that this is not the machine.
        return subprocess.run(
            ["dpkg", f"--admindir={self.admin}", f"--instdir={self.root}", "--force-script-chrootless", "--force-not-root",
             "--log=/dev/null", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})  # fmt: skip


def main():
    build, checks = build_folder(), Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        package = packed(build, folder / "pack")
        checks.run("it says what it is", described, checks, build, package)
        checks.run("it holds what it should", contents, checks, package)
        machine = Machine(folder)
        root = machine.root
        done = machine.dpkg("--install", package)
        if checks.check("dpkg installs it, and finds what it depends on", done.returncode == 0, done.stdout):
            said = output(f"{root}/usr/bin/gesso", "--version")
            checks.check("the installed program runs", said == output(build / "gesso", "--version"), said)
            checks.run("its units are as they should be", hardened, checks, package, root)
            state = folder / "state"
            state.mkdir()
            checks.run("it serves", walked, checks, root, state)
            done = machine.dpkg("--remove", "gesso")
            left = sorted(path.name for path in root.rglob("*") if path.is_file())
            checks.check("removed, it leaves its settings", done.returncode == 0 and left == ["gesso.env"], (done.stdout, left))
            done = machine.dpkg("--purge", "gesso")
            left = [path for path in root.rglob("*") if path.is_file()]
            checks.check("purged, nothing", done.returncode == 0 and not left, (done.stdout, left))
    checks.close()


main()
