#!/usr/bin/env python3
"""The commands that the documents tell a newcomer to type: bash runs those of README.md and of
docs/WALKTHROUGH.md as they stand there, against a service of their own each, and every answer that
a document shows is what comes. `...` in it stands for any text of a line."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, wait_for_line

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8080"  # what ./run serves; here a free port is taken
SERVES = r"serves (http://127\.0\.0\.1:\d+)$"
# In place of ./run, which would build: it says who it is, so that it can be ended.
RUN = """#!/bin/bash
echo $$ > run.pid
exec "{gesso}" serve --listen 127.0.0.1:0 --bcrypt-rounds 4 "$@"
"""
END_OF_BLOCK = "\x1e"


class Block:
    """Commands, and what the document says that they print; None where it says nothing."""

    def __init__(self, commands):
        self.commands, self.answer, self.is_json = commands, None, False


def blocks(text):
    """The blocks of a document that are for the shell, each with the one right behind it."""
    found, end = [], None
    for match in BLOCK.finditer(text):
        language, body = match.groups()
        if language == "sh":
            found.append(Block(body))
        elif language in ("json", "text") and found and match.start() == end:
            found[-1].answer, found[-1].is_json = body, language == "json"
        end = match.end() + 1
    return found


def matches(shown, printed):
    """Whether a text is the one that is shown, `...` for anything within a line."""
    pattern = r"[^\n]*".join(map(re.escape, shown.strip().split("...")))
    return re.fullmatch(pattern, printed.strip()) is not None


def same_json(shown, printed):
    try:
        return matches(json.dumps(json.loads(shown)), json.dumps(json.loads(printed)))
    except ValueError:
        return False


@contextlib.contextmanager
def service(build, commands):
    """What starts the service, in a folder in which a reader would be; yields folder and address."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "run").write_text(RUN.format(gesso=build / "gesso"))
        (folder / "run").chmod(0o755)
        (folder / "build" / "release").mkdir(parents=True)
        (folder / "build" / "release" / "gesso").symlink_to(build / "gesso")
        log = folder / "printed.log"
        with open(log, "w") as out:
            shell = subprocess.Popen(["bash", "-uc", commands], cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield folder, wait_for_line(shell, log, SERVES, 60).group(1)
        finally:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((folder / "run.pid").read_text()), signal.SIGTERM)
            shell.wait(60)
            text = log.read_text(errors="replace")
            if "Sanitizer" in text or "runtime error" in text:
                raise AssertionError(text[-8000:])


def typed(folder, commands):
    """What bash prints for each block, all of them typed one after the other."""
    script = "".join(f"{block.commands}\nprintf '\\036'\n" for block in commands)
    done = subprocess.run(
        ["bash", "-u"], input=script, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=300,
    )
    return done.stdout.split(END_OF_BLOCK)


def walk(checks, build, document, chosen):
    """Runs the chosen blocks of a document; the first of them starts the service."""
    first, *rest = chosen
    with service(build, first.commands) as (folder, url):
        for block in rest:
            block.commands = block.commands.replace(ADDRESS, url)
        printed = typed(folder, rest)
    checks.check(f"{document}: bash reached the end", len(printed) == len(rest) + 1, printed[-1][-2000:])
    checked = 0
    for block, text in zip(rest, printed):
        if block.answer is None:
            checks.check(f"{document}: nothing is said, and nothing printed", not text.strip(), f"{block.commands}\n{text}")
            continue
        checked += 1
        good = same_json(block.answer, text) if block.is_json else matches(block.answer, text)
        name = block.commands.strip().splitlines()[-1]
        checks.check(f"{document}: {name}", good, f"expected\n{block.answer}found\n{text}")
    return checked


def reader_is_strict(checks):
    """The comparison refuses what it should, so that it is known to look."""
    checks.check("dots stand for any text", matches('{"at":"..."}\n', '{"at":"2026"}'))
    checks.check("but for no line", not matches("a...", "a\nb"))
    checks.check("another text is refused", not matches("204", "404"))
    checks.check("more than is shown is refused", not matches("204", "204\n204"))
    checks.check("JSON is compared without its blanks", same_json('{"a": [1, "..."]}', '{"a":[1,"x"]}'))
    checks.check("another value is refused", not same_json('{"a": 1}', '{"a": 2}'))


def main():
    build, checks = build_folder(), Checks()
    reader_is_strict(checks)
    chosen = blocks((ROOT / "docs" / "WALKTHROUGH.md").read_text())
    answers = walk(checks, build, "WALKTHROUGH.md", chosen)
    checks.check("every part of the walk shows answers", answers >= 14, answers)
    chosen = [block for block in blocks((ROOT / "README.md").read_text()) if "curl" in block.commands]
    start = Block("./run")
    answers = walk(checks, build, "README.md", [start, *chosen])
    checks.check("the README shows what it answers", answers == 1, answers)
    checks.close()


main()
