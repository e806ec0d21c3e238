"""Python packages for tests, in a virtual environment of the tree's build folder."""

import fcntl
import hashlib
import pathlib
import subprocess
import sys

from support.harness import ROOT


def python_with(*packages):
    """The interpreter of an environment that holds exactly these pinned packages."""
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    folder = ROOT / "build" / "venv" / name
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # suites run at the same time
        if not (folder / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
            (folder / "complete").touch()
    return python
