#!/usr/bin/env python3
"""The rules of the house that a compiler does not know: layers, format, documents."""

import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import documents
from support.harness import ROOT, Checks, build_folder

# One header of each room, and the rooms it may not be seen from.
FORBIDDEN = [
    ("base", "gesso/bson/view.hpp"),
    ("bson", "gesso/schema/codec.hpp"),
    ("client", "gesso/azure/credential.hpp"),
    ("jose", "gesso/client/http_client.hpp"),
    ("schema", "gesso/query/filter.hpp"),
    ("query", "gesso/models/user.hpp"),
    ("mongo", "gesso/query/filter.hpp"),
    ("localdb/language", "gesso/localdb/index/spec.hpp"),
    ("localdb/language", "gesso/localdb/storage/store.hpp"),
    ("localdb/storage", "gesso/localdb/language/command_error.hpp"),
    ("localdb/storage", "gesso/localdb/index/spec.hpp"),
    ("localdb/index", "gesso/localdb/plan/plan.hpp"),
    ("localdb/plan", "gesso/localdb/engine/engine.hpp"),
    ("localdb/engine", "gesso/localdb/server/socket.hpp"),
    ("localdb/engine", "gesso/localdb/cosmos/dialect.hpp"),
    ("localdb/cosmos", "gesso/localdb/server/socket.hpp"),
    ("localdb/engine", "gesso/mongo/session.hpp"),
    ("localdb/server", "gesso/mongo/session.hpp"),
    ("mongo", "gesso/localdb/localdb.hpp"),
    ("cli", "gesso/localdb/engine/engine.hpp"),
    ("http", "gesso/mongo/session.hpp"),
    ("http", "gesso/repositories/repository.hpp"),
    ("repositories", "gesso/http/server.hpp"),
    ("repositories", "gesso/domain/charging.hpp"),
    ("images", "gesso/bson/view.hpp"),
    ("domain", "gesso/providers/provider.hpp"),
    ("providers", "gesso/worker/worker.hpp"),
    ("api", "gesso/worker/worker.hpp"),
    ("domain", "gesso/http/response.hpp"),
    ("domain", "gesso/api/services.hpp"),
]


# Headers of libraries, and the one room that includes them.
WRAPPED_BY = {
    "mongoc/": {"mongo"},
    "lmdb.h": {"localdb/storage"},
    "curl/": {"client"},
    "png.h": {"images"},
    "webp/": {"images"},
    "boost/beast": {"http"},
}


def files(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    return [path for pattern in patterns for path in ROOT.glob(f"**/{pattern}")]


def include_roots(build, room):
    """The include folders that a room's own sources are compiled with, rooms only."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if f"/src/gesso/{room}/" in entry["file"]:
            return re.findall(r"(?:-I|-isystem )(\S+/rooms/\S+)", entry["command"])
    raise AssertionError(f"nothing of {room} is compiled")


def layers(build, checks):
    for room, header in FORBIDDEN:
        if not checks.check(f"{header} exists", (ROOT / "src" / header).exists(), "it was moved: mend this list"):
            continue
        roots = include_roots(build, room)
        seen = any((pathlib.Path(root) / header).exists() for root in roots)
        checks.check(f"{room} cannot include {header}", not seen, str(roots))


def room_of(path):
    """The room that a file below src/gesso/ belongs to: base, localdb/storage, ..."""
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[: 2 if parts[0] == "localdb" and len(parts) > 2 else 1])


def no_circles(checks):
    """Drawn by the includes, no room leads back to itself, whatever the build makes of it."""
    sees = {}
    for path in files("src/gesso/**.cpp", "src/gesso/**.hpp"):
        room = room_of(path.relative_to(ROOT / "src" / "gesso"))
        for header in re.findall(r'#include "gesso/([^"]+)"', path.read_text()):
            if room_of(header) != room:
                sees.setdefault(room, set()).add(room_of(header))

    def reaches(start, goal, seen):
        return any(
            room == goal or (room not in seen and reaches(room, goal, seen | {room})) for room in sees.get(start, ())
        )

    checks.check("the rooms of the engine are found", sum(room.startswith("localdb/") for room in sees) >= 6, str(sees))
    for room in sees:
        checks.check(f"{room} does not lead back to itself", not reaches(room, room, {room}), str(sees[room]))


def one_room_wraps(checks):
    """libmongoc, LMDB and curl headers are included in the one room that wraps them."""
    for header, rooms in WRAPPED_BY.items():
        users = set()
        for path in files("src/gesso/**.cpp", "src/gesso/**.hpp"):
            if re.search(rf'#include [<"]{re.escape(header)}', path.read_text()):
                users.add(room_of(path.relative_to(ROOT / "src" / "gesso")))
        checks.check(f"{header} is wrapped by {rooms}", users <= rooms, f"included in {users}")


def one_log(build, checks):
    """Whoever includes spdlog without its library has a logger of his own, which no setting reaches."""
    alone = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        ours = path.is_relative_to(ROOT / "src") and "#include <spdlog" in path.read_text()
        if ours and "-DSPDLOG_COMPILED_LIB" not in entry["command"]:
            alone.append(str(path.relative_to(ROOT)))
    checks.check("everybody logs by the one log", not alone, alone)


def formatted(checks):
    sources = [str(path) for path in files("*.cpp", "*.hpp") if "compile_fail" not in path.parts]
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources], capture_output=True, text=True)
    names = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
    checks.check("every source is formatted", done.returncode == 0, "\n".join(names[:20]))


def texts(build, checks):
    lines = (ROOT / "docs" / "architecture.md").read_text().count("\n")
    checks.check("docs/architecture.md stays under 300 lines", lines < 300, f"{lines} lines")
    done = subprocess.run([ROOT / "tools" / "snippets", "--check"], capture_output=True, text=True)
    checks.check("every snippet stands in a compiled example", done.returncode == 0, done.stdout)
    for name, test in documents.TESTS.items():
        checks.run(name, test, build)
    for script in ["run", "test", ".ci/run", "tools/packages", "tools/build"]:
        done = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True)
        checks.check(f"{script} parses", done.returncode == 0, done.stderr)


def main():
    build, checks = build_folder(), Checks()
    layers(build, checks)
    no_circles(checks)
    one_room_wraps(checks)
    one_log(build, checks)
    formatted(checks)
    texts(build, checks)
    checks.close()


main()
