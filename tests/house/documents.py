"""What README.md and docs/ say, against the program and the tree: its checks, commands, options, settings,
metrics and operations, and where links and names of files lead."""

import functools
import json
import os
import re
import subprocess
import tempfile

from support.harness import ROOT

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
# They name a file, are set by rotate.sh, declare the fields of a struct, and are an emulator's keys.
NO_SETTINGS = {"GESSO_CONFIG", "GESSO_SECRET_VERSION", "GESSO_FIELDS", "GESSO_LOCALDB_PRIMARY_KEY", "GESSO_LOCALDB_SECONDARY_KEY"}


def must(good, detail):
    if not good:
        raise AssertionError(detail)


@functools.cache
def said(build, *arguments):
    """What gesso prints in an empty folder, with no setting."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GESSO_", "AZURE_", "IDENTITY_"))}
        done = subprocess.run([build / "gesso", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        must(done.returncode == 0, done.stderr)
        return done.stdout


def commands(build):
    (text,) = re.findall(r"^Subcommands:\n((?:  .*\n)+)", said(build, "--help"), re.MULTILINE)
    return re.findall(r"^  ([a-z]\S*)", text, re.MULTILINE)


def checks_of_doctor(build):
    checks = [check["name"] for check in json.loads(said(build, "doctor", "--json"))["checks"]]
    (table,) = re.findall(r"^## gesso doctor\n(?:[^|].*\n|\n)*((?:\|.*\n)+)", (ROOT / "docs/OPERATIONS.md").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` ", table, re.MULTILINE)
    must(rows == checks, f"docs/OPERATIONS.md: {rows}, doctor looks at {checks}")
    (sentence,) = re.findall(r"`gesso doctor` checks ([^:]*?)[,:] leaves", README.read_text())
    named = re.findall(r"[a-z]+", sentence.replace("the secret's age", "secret").replace(" and ", " "))
    must(named == checks, f"README.md: {named}, doctor looks at {checks}")


def commands_are_named(build):
    (listed,) = re.findall(r"help of each subcommand \((.*?)\)", README.read_text(), re.DOTALL)
    must(re.findall(r"`([a-z-]+)`", listed) == commands(build), f"README.md: {listed}, gesso has {commands(build)}")


def options_exist(build):
    """`gesso COMMAND ...` in text and in blocks, on one line or continued."""
    known = commands(build)
    count = 0
    for document in DOCUMENTS:
        text = document.read_text().replace("\\\n", " ")
        for command, rest in re.findall(r"\bgesso ([a-z-]+)((?: [^\n`|;]*)?)", text):
            options = re.findall(r"(?<= )--[a-z][a-z-]*", rest.partition("#")[0])
            if command not in known or not options:
                continue
            takes = said(build, command, "--help")
            unknown = [option for option in options if not re.search(rf"{option}\b(?!-)", takes) and option not in ("--version", "--help")]
            must(not unknown, f"{document.name}: gesso {command} has no {unknown}")
            count += len(options)
    must(count > 20, f"{count} options are found")


def settings(build):
    return {f"GESSO_{key.upper()}" for key in re.findall(r"^([a-z]\w+) ", said(build, "config"), re.MULTILINE)}


def settings_exist(build):
    known = settings(build)
    must("GESSO_MONGODB_URI" in known, f"gesso config shows {known}")
    for source in [*DOCUMENTS, *(path for path in (ROOT / "deploy").rglob("*") if path.is_file())]:
        named = set(re.findall(r"\bGESSO_[A-Z0-9_]+[A-Z0-9]", source.read_text()))
        named = {name for name in named if not name.startswith(("GESSO_TEST", "GESSO_UPDATE"))} - NO_SETTINGS
        must(named <= known, f"{source.name}: {sorted(named - known)} are no settings")


def metrics_exist(_):
    """METRICS.md is made from the table in the code."""
    known = set(re.findall(r"^\| `(gesso_\w+)`", (ROOT / "docs/METRICS.md").read_text(), re.MULTILINE))
    must(len(known) > 50, known)
    for document in DOCUMENTS:
        named = set(re.findall(r"\bgesso_[a-z_]+\b", document.read_text()))
        must(named <= known, f"{document.name}: {sorted(named - known)} are no metrics")


def operations_exist(_):
    """api.md is what `gesso openapi --markdown` prints."""
    shape = lambda path: re.sub(r"\{[^}]*\}", "{}", path)
    known = {(method, shape(path)) for method, path in re.findall(r"^\| `([A-Z]+) (\S+)`", (ROOT / "docs/api.md").read_text(), re.MULTILINE)}
    must(len(known) > 50, known)
    ours = r"`(?:(GET|POST|PUT|PATCH|DELETE) )?(/(?:api|webhooks|images|generations|healthz|readyz|openapi)\b[^`\s?#]*)"
    for document in DOCUMENTS:
        for method, path in re.findall(ours, document.read_text()):
            found = {one for one, other in known if other == shape(path)}
            must(method in found if method else found, f"{document.name}: there is no {method} {path}")


def anchors(document):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_lead_somewhere(_):
    count = 0
    for document in DOCUMENTS:
        for file, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", document.read_text()):
            target = document.parent / file if file else document
            must(target.exists(), f"{document.name}: {file}")
            must(not anchor or anchor in anchors(target), f"{document.name}: {file} has no heading #{anchor}")
            count += bool(anchor)
    must(count > 10, f"{count} anchors are found")


def files_are_there(_):
    for document in DOCUMENTS:
        for name in set(re.findall(r"`((?:src|tests|deploy|docs|bench|examples|fuzz|tools|cmake|web)/[\w./*-]+)`", document.read_text())):
            must("NAME" in name or any(ROOT.glob(name)), f"{document.name}: {name}")


def commands_parse(_):
    for document in DOCUMENTS:
        for block in re.findall(r"^```(?:sh|bash)\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE):
            done = subprocess.run(["bash", "-n", "-c", block], capture_output=True, text=True)
            must(done.returncode == 0, f"{document.name}: {done.stderr}")
            for line in block.replace("\\\n", " ").splitlines():
                program = (line.split() or [""])[0]
                if re.match(r"(\./|tools/|deploy/|bench/)", program):
                    must(os.access(ROOT / program, os.X_OK), f"{document.name}: {line}: nothing runs {program}")


TESTS = {
    "the documents name each check of doctor, in its order": checks_of_doctor,
    "README.md names each command": commands_are_named,
    "the documents show options that gesso has": options_exist,
    "the documents and what deploys name settings that gesso has": settings_exist,
    "the documents name metrics that there are": metrics_exist,
    "the documents name operations that there are": operations_exist,
    "the documents' links lead to files and headings": links_lead_somewhere,
    "the documents name files that are there": files_are_there,
    "the documents' commands parse, and their scripts are there": commands_parse,
}
