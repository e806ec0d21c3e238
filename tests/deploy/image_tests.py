"""The image: every library that the program needs comes with a package that deploy/Dockerfile
installs, every package exists, and what it copies and sets is there."""

import re
import subprocess

from support.harness import ROOT
from standin_az import must

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
# Of the compiler's sanitizers, in a build for tests.
SANITIZERS = re.compile(r"lib(asan|ubsan|tsan|lsan)\.")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def packages():
    return set(re.search(r"install -y --no-install-recommends((?:[^&])*)&&", DOCKERFILE.read_text()).group(1).replace("\\", " ").split())


def with_dependencies(packages):
    only = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    listed = output("apt-cache", "depends", "--recurse", *only, *packages)
    return set(re.findall(r"^(\w[\w.+-]*)$", listed, re.MULTILINE))


def libraries_come_with_packages(build):
    installed = with_dependencies(packages())
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", build / "gesso"))
    must(len(needed) > 10, needed)
    for library in needed:
        if SANITIZERS.match(library):
            continue
        owners = {line.split(":")[0] for line in output("dpkg", "-S", f"*/{library}").splitlines()}
        must(owners & installed, f"{library} is of {owners}, which the image does not install")


def packages_are_debian_s():
    for package in packages():
        must(output("apt-cache", "policy", package).strip(), f"Debian has no {package}")


def what_it_builds_is_there():
    text = DOCKERFILE.read_text()
    for name in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for path in name.split():
            must((ROOT / path).exists(), f"COPY {path}")
    must("tools/packages --without-tests" in text and '"name": "release"' in (ROOT / "CMakePresets.json").read_text(), text)


def settings_are_gesso_s(build):
    names = dict(re.findall(r"(GESSO_\w+)=(\S+)", DOCKERFILE.read_text()))
    must(set(names) == {"GESSO_LISTEN", "GESSO_DATA_DIR"}, names)  # both stages of the service
    said = subprocess.run([build / "gesso", "config"], env=names, capture_output=True, text=True)
    must(said.returncode == 0 and "0.0.0.0:8080" in said.stdout, said)
