#!/usr/bin/env python3
"""Installs the build into an empty prefix and builds the quick start against it from outside, and each
installed header alone."""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import ROOT, Checks, build_folder


def main():
    build, checks = build_folder(), Checks()
    cache = (build / "CMakeCache.txt").read_text()
    setting = lambda name: re.search(rf"^{name}:[A-Z]+=(.*)$", cache, re.MULTILINE).group(1)
    flags = "-O0"
    if setting("GESSO_SANITIZE"):
        flags += " -fsanitize=" + setting("GESSO_SANITIZE")

    def step(name, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return checks.check(name, done.returncode == 0, done.stdout[-6000:]), done.stdout

    with tempfile.TemporaryDirectory() as folder:
        prefix, outside = f"{folder}/prefix", f"{folder}/build"
        good, _ = step("cmake --install", "cmake", "--install", build, "--prefix", prefix)
        headers = sorted(str(path.relative_to(f"{prefix}/include")) for path in pathlib.Path(prefix, "include").rglob("*.hpp"))
        internal = [name for name in headers if "/detail/" in name or name.startswith(("gesso/localdb/", "gesso/cli/"))]
        checks.check("of the engine its face alone is installed", internal == ["gesso/localdb/commits.hpp", "gesso/localdb/cosmos_options.hpp", "gesso/localdb/localdb.hpp"], str(internal))
        good = good and step(
            "find_package(gesso)", "cmake", "-G", "Ninja", "-S", ROOT / "tests" / "consumer", "-B", outside,
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={flags} -fuse-ld=mold",
            f"-DQUICKSTART={ROOT}/examples/quickstart.cpp",
            f"-DHEADERS={';'.join(headers)}",
        )[0]
        good = good and step("a consumer builds, and each header compiles alone", "cmake", "--build", outside)[0]
        if good:
            good, output = step("the quick start runs", f"{outside}/consumer")
            checks.check("it prints the user's statistics", re.search(r"Total: 1, Completed: 1", output), output)
    checks.close()


main()
