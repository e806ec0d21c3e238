"""What both halves of a trap share: a server that behaves as Cosmos DB, and a line for what was seen."""

import contextlib
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import program

GESSO = sys.argv[1]
TRAPS = []


def trap(name):
    """Marks a function as the half of a trap; it returns what was said, or raises AssertionError."""

    def keep(function):
        TRAPS.append((name, function))
        return function

    return keep


@contextlib.contextmanager
def cosmos(*options, ru=4000, folder=None):
    """Yields the connection string of a server of its own, without any option."""
    with tempfile.TemporaryDirectory() as made:
        command = [GESSO, "localdb", "--dialect", "cosmos-ru", "--ru", str(ru), "--listen", "127.0.0.1:0",
                   "--data-dir", str(folder or made), *options]
        with program(command, r"mongodb://127\.0\.0\.1:(\d+)/") as (_, match):
            yield f"mongodb://127.0.0.1:{match.group(1)}/"


def run_all():
    for name, half in TRAPS:
        try:
            said, good = half(), True
        except Exception as error:  # any fault is the half's failure, and is told
            said, good = f"{type(error).__name__}: {error}", False
        print(json.dumps({"trap": name, "good": good, "said": str(said)}), flush=True)
