"""What a run leaves: a file of JSON, and the document made of all such files."""

import json
import os
import pathlib
import platform
import re
import subprocess

from . import servers
from .rounds import table

RESULTS = servers.ROOT / "bench" / "results"
DOCUMENT = servers.ROOT / "bench" / "RESULTS.md"
FORMAT = 1
ABOUT = """# Results

Made by `bench/run.py --render` from the files in [results/](results/), newest first. Each table was
measured in one run on one machine, ours and the peer in turn, at least five rounds; `ours` and `peer`
are medians, `ratio` is the median of the rounds' ratios ours / peer, and beside it stand the lowest
and the highest of them. Ratios of one table may be compared, figures of two tables may not.
"""


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=servers.ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20, 1),
        "kernel": platform.release(),
    }


def versions(before=None):
    found = {
        "compiler": output_of("c++", "--version").splitlines()[0],
        "libmongoc": output_of("pkg-config", "--modversion", "libmongoc-1.0"),
        "lmdb": output_of("pkg-config", "--modversion", "lmdb"),
        "python": platform.python_version(),
        "go": output_of("go", "version").removeprefix("go version "),
        "ferretdb": servers.FERRETDB,
    }
    if before:
        found["before"] = output_of(before, "--version").splitlines()[-1]
    for line in (servers.ROOT / "bench" / "peer" / "requirements.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        found[name] = version
    return found


def commit():
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no")
    return {"id": output_of("git", "rev-parse", "--short=12", "HEAD"), "changed": bool(changed)}


def keep(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    moment = report["started"][:16].replace(":", "")
    path = folder / f"{moment}-{report['commit']['id']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    return path


def heading(report):
    about = report["machine"]
    changed = " with changes" if report["commit"]["changed"] else ""
    return (
        f"{report['started'][:16].replace('T', ' ')} UTC, commit {report['commit']['id']}{changed}: {about['cpu']}, "
        f"{about['cores']} cores, {about['memory_gib']} GiB, Linux {about['kernel']}; {report['rounds']} rounds"
    )


def render():
    """Writes RESULTS.md."""
    parts = [ABOUT]
    for path in sorted(RESULTS.glob("*.json"), reverse=True):
        report = json.loads(path.read_text())
        used = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
        parts.append(f"## {heading(report)}\n\nVersions: {used}.\n\n" + "\n".join(table(report["rows"])) + "\n")
    DOCUMENT.write_text("\n".join(parts))
