#!/usr/bin/env python3
"""Azure's own SDK against the stand-ins: that they speak what it understands."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder
from support.venv import python_with


def main():
    build, checks = build_folder(), Checks()
    python = python_with(
        "azure-identity==1.27.0",
        "azure-keyvault-secrets==4.12.0",
        "azure-core==1.41.0",
        "msal==1.39.0",
        "requests==2.34.2",
        "urllib3==2.8.0",
        "cryptography==50.0.2",
    )
    checks.absorb("the SDK for Python", [python, HERE / "sdk_test.py", "--build", build])
    checks.close()


main()
