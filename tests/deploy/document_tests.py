"""The documents that speak of Azure: what they tell the reader to run, and what they quote."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

from standin_az import must
from support.harness import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPTS = [path for path in sorted((ROOT / "deploy" / "azure").rglob("*")) if path.is_file()]
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What a block may run besides az: nothing of the machine that it is read on.
HARMLESS = ["base64", "head", "mktemp", "rm", "tr"]
AZ = """#!/bin/sh
{ printf '%s\\0' "$@"; printf '\\1'; } >> "$CALLS"
printf 'mongodb://placeholder\\n'
"""


def blocks(document):
    return BLOCK.findall(document.read_text())


def calls():
    """Every call of az in the documents, as bash makes it: variables, quotes and all."""
    found = []
    for document in DOCUMENTS:
        script = "\n".join(block for block in blocks(document) if re.search(r"\baz |^[A-Z_]+=", block))
        if not script:
            continue
        with tempfile.TemporaryDirectory() as folder:
            programs = pathlib.Path(folder) / "bin"
            programs.mkdir()
            (programs / "az").write_text(AZ)
            (programs / "az").chmod(0o755)
            for name in HARMLESS:
                (programs / name).symlink_to(shutil.which(name))
            recorded = pathlib.Path(folder) / "calls"
            recorded.touch()
            done = subprocess.run(
                ["/bin/bash", "-u", "-c", script], cwd=folder, capture_output=True, text=True,
                env={"PATH": str(programs), "CALLS": str(recorded), "TMPDIR": folder})  # fmt: skip
            must("unbound variable" not in done.stderr, f"{document.name}: {done.stderr}")
            for call in recorded.read_bytes().decode().split("\1")[:-1]:
                found.append((call.split("\0")[:-1], document.name))
            written = len(re.findall(r"(?:^|[($]|\| *)\s*az [a-z]", script.replace("\\\n", " "), re.MULTILINE))
            must(len([one for one in found if one[1] == document.name]) == written,
                 f"{document.name}: not each of its {written} calls was reached: {found}\n{done.stderr}")
    return found


def scripts_are_called_as_they_want():
    shown = 0
    for document in DOCUMENTS:
        for block in blocks(document):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("deploy/azure/"):
                    words = shlex.split(line, comments=True)
                    done = subprocess.run([ROOT / words[0], *words[1:], "--dry-run"], capture_output=True, text=True)
                    must(done.returncode == 0, f"{document.name}: {line}\n{done.stderr}")
                    shown += 1
    must(shown >= 3, f"only {shown} calls of the scripts are shown")


def settings():
    table = (ROOT / "src/gesso/cli/settings_table.cpp").read_text()
    known = {f"GESSO_{key.upper()}" for key in re.findall(r'Setting\{\.key = "([a-z_]+)"', table)}
    must("GESSO_MONGODB_URI" in known, f"the table of settings is read: {known}")
    return known


def settings_are_complete():
    about_azure = {name for name in settings() if re.match("GESSO_(AZURE|KEY_VAULT)_|GESSO_MONGODB_SECRET", name)}
    rows = re.findall(r"^\| `(GESSO_[A-Z_]+)`", (ROOT / "docs" / "AZURE_RBAC_SETUP.md").read_text(), re.MULTILINE)
    must(len(about_azure) >= 5 and about_azure <= set(rows), f"not in the table: {sorted(about_azure - set(rows))}")


def program_texts():
    """Everything that the program can say: its string literals, adjacent ones joined."""
    texts = []
    for path in (ROOT / "src" / "gesso").glob("**/*.[ch]pp"):
        texts.append(re.sub(r'"\s*\n\s*"', "", path.read_text()))
    return "\n".join(texts)


def quotes_are_true():
    """OPERATIONS.md marks what it quotes from the program with <q>; dots stand for what varies."""
    said = program_texts()
    quoted = re.findall(r"<q>(.*?)</q>", (ROOT / "docs" / "OPERATIONS.md").read_text(), re.DOTALL)
    must(len(quoted) >= 10, f"{len(quoted)} quotes")
    parts = [part for quote in quoted for part in re.split(r"\s*\.\.\.\s*", " ".join(quote.split()))]
    untrue = [part for part in parts if part not in said]
    must(not untrue, f"the program does not say: {untrue}")


def no_machine_is_named():
    for document in [*DOCUMENTS, *SCRIPTS]:
        folder = re.escape(str(ROOT.parent))
        found = re.findall(rf"(?:{folder}|/root|/home|/tmp)/\S*", document.read_text())
        must(not found, f"{document.name}: {found}")


def role_is_the_same_everywhere():
    role = "4633458b-17de-408a-b874-0445c86b69e6"
    for name in ["setup.sh", "main.bicep"]:
        must(role in (ROOT / "deploy" / "azure" / name).read_text(), name)


TESTS = {
    "the documents call the scripts as these want it": scripts_are_called_as_they_want,
    "the document of the set-up names every setting of Azure": settings_are_complete,
    "the documents quote what the program says": quotes_are_true,
    "the documents name no path of a machine": no_machine_is_named,
    "the role is the same everywhere": role_is_the_same_everywhere,
}
