#!/usr/bin/env python3
"""Replays every fuzzer's corpus and a fixed number of mutations of it, under the sanitizers."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import ROOT, Checks, build_folder


def main():
    build, checks = build_folder(), Checks()
    for source in sorted((ROOT / "fuzz").glob("*_fuzzer.cpp")):
        name = source.stem.removesuffix("_fuzzer")
        corpus = ROOT / "fuzz" / "corpus" / name
        if not checks.check(f"{name} has a corpus", corpus.is_dir() and any(corpus.iterdir()), str(corpus)):
            continue
        done = subprocess.run(
            [build / "fuzz" / source.stem, "--mutations", "3000", corpus],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300,
        )
        checks.check(name, done.returncode == 0, done.stdout[-6000:])
    checks.close()


main()
