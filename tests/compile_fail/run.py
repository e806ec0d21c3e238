#!/usr/bin/env python3
"""What must not compile does not, and the compiler's first error says why.

Each .cpp beside this file starts with a comment `// expect: TEXT`: the first line of the
compiler's output that holds "error:" must hold TEXT too. `// expect: nothing` means that the file

    run.py [--compiler g++] [--include DIR]... [NAME]...

Prints one line for each failure and at last `N passed, N failed`; the exit code says the same.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def expectation(source):
    match = re.search(r"^// expect: (.*)$", source.read_text(), re.MULTILINE)
    if not match:
        sys.exit(f"{source.name} has no `// expect:` line")
    return match.group(1).strip()


def check(source, arguments):
    """None where the compiler does as expected, else what it did."""
    includes = [f"-I{directory}" for directory in arguments.include]
    command = [arguments.compiler, "-std=c++20", "-fsyntax-only", *includes, str(source)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    first = next((line for line in result.stderr.splitlines() if "error:" in line), "")
    expected = expectation(source)
    if expected == "nothing":
        return None if result.returncode == 0 and not result.stderr else (
            first or result.stderr.strip() or "the compiler failed without a word")
    if result.returncode == 0:
        return f"compiles, and should fail with: {expected}"
    if expected not in first:
        return f"expected: {expected}\n  found:    {first or result.stderr.strip()}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--include", action="append", default=[str(ROOT / "src"), str(ROOT)])
    parser.add_argument("--build", help="ignored: every suite is given it")
    parser.add_argument("names", nargs="*", help="cases without their .cpp; all if none is given")
    arguments = parser.parse_args()
    sources = sorted(HERE.glob("*.cpp"))
    if arguments.names:
        sources = [source for source in sources if source.stem in arguments.names]

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda source: check(source, arguments), sources)
        for source, failure in zip(sources, results):
            if failure:
                failed += 1
                print(f"{source.name}: {failure}")
    print(f"{len(sources) - failed} passed, {failed} failed")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
