"""A pretended Azure for the scripts: `az` and `sleep` of standin/ before all others on the PATH."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.parse

from support.harness import ROOT

SCRIPTS = ROOT / "deploy" / "azure"
STANDIN = pathlib.Path(__file__).resolve().parent / "standin"
CHANGES = {"create", "register", "regenerate", "update"}

every_call = {}  # of all scripts of all tests: what is held against the parser
every_body = []  # of every resource that was made of JSON


def must(condition, what=""):
    if not condition:
        raise AssertionError(what)


class Azure:
    """A context: the folder with the state, and what was called and printed."""

    def __init__(self, **state):
        self.state_ = {
            "seed": os.urandom(8).hex(),
            "key_counter": 0,
            "subscription": "99999999-8888-7777-6666-555555555555",
            "now": 1_700_000_000,
            "registered": [],
            "resources": {},
            "keys": {},
            "pending": {},
            "lag": 0,
            "regenerated": [],
            "versions": [],
            "failures": [],
            **state,
        }
        self.printed = ""
        self.secrets = set()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gesso-azure-"))
        if not self.state_["keys"]:
            self.state_["keys"] = {"primary": fresh_key(), "secondary": fresh_key()}
        self.write(self.state_)
        (self.folder / "calls.jsonl").touch()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def state(self):
        return json.loads((self.folder / "state.json").read_text())

    def write(self, state):
        (self.folder / "state.json").write_text(json.dumps(state))
        self.remember(state)

    def change(self, **fields):
        self.write({**self.state, **fields})

    def remember(self, state):
        """Everything that must never be shown."""
        for key in [*state["keys"].values(), *state["pending"].values()]:
            self.secrets |= {key, urllib.parse.quote(key, safe="")}
        for resource in state["resources"].values():
            with contextlib.suppress(KeyError, TypeError):
                self.secrets |= {one["value"] for one in resource["body"]["properties"]["configuration"]["secrets"]}

    @property
    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def run(self, script, *arguments):
        """Returns the exit status, what was printed and the calls that were made."""
        before = len(self.calls)
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        done = subprocess.run(
            [SCRIPTS / script, *arguments],
            env={
                **os.environ,
                "PATH": f"{STANDIN}:{os.environ['PATH']}",
                "AZ_STANDIN": str(self.folder),
                "TMPDIR": str(temporary),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        self.printed += done.stdout
        state = self.state
        self.remember(state)
        calls = self.calls[before:]
        for call in calls:
            if call["command"] != "sleep":
                every_call[tuple(call["argv"])] = f"{script}"
        if list(temporary.iterdir()):
            raise AssertionError(f"{script} left files behind: {list(temporary.iterdir())}")
        return done.returncode, done.stdout, calls

    def leaks(self):
        """Secrets that stand on a command line or were printed."""
        shown = self.printed + json.dumps([call["argv"] for call in self.calls])
        return [secret[:4] + "..." for secret in self.secrets if secret in shown]


def open_files(calls):
    """Files given to az that others than their owner could have read."""
    return [
        f"{name} {modes}"
        for call in calls
        for name, modes in call["files"].items()
        if modes[0] & 0o077 or modes[1] & 0o077
    ]


def fresh_key():
    """As Cosmos DB's: base64 of 64 bytes, with every character that URIs treat specially."""
    while True:
        key = base64.b64encode(os.urandom(64)).decode()
        if "+" in key and "/" in key:
            return key


def changes(calls):
    """Those calls that change something."""
    return [
        call
        for call in calls
        if call["command"].split(" ")[-1] in CHANGES or (call["command"] == "rest" and "get" not in call["argv"])
    ]


def connection_string(account, key, encoded=False):
    if encoded:
        key = urllib.parse.quote(key, safe="")
    return f"mongodb://{account}:{key}@{account}.mongo.cosmos.azure.com:10255/?ssl=true&appName=@{account}@"
