"""npm packages for tests, in the tree's build folder."""

import subprocess

from support.harness import ROOT


def node_modules(source):
    """`npm ci` of a folder with a package.json and its lock, into the build folder: the tree stays clean."""
    folder = ROOT / "build" / "node" / source.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    lock = (source / "package-lock.json").read_bytes()
    stamp = folder / "complete"
    if not stamp.exists() or stamp.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            (folder / name).write_bytes((source / name).read_bytes())
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        stamp.write_bytes(lock)
    return folder
