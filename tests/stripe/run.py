#!/usr/bin/env python3
"""The providers' own libraries and ours about the same bytes: signatures both ways, events, forms."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder
from support.venv import python_with


def main():
    build, checks = build_folder(), Checks()
    python = python_with(*(HERE / "requirements.txt").read_text().split())
    checks.absorb("Stripe's library", [python, HERE / "stripe_test.py", "--build", build])
    checks.absorb("Replicate's library", [python, HERE / "replicate_test.py", "--build", build])
    checks.close()


main()
