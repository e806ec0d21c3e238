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


def stages():
    """The text of each stage by its name, and what it begins with."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE.read_text(), flags=re.MULTILINE)[1:]
    return {name: (base, text) for base, name, text in zip(parts[0::3], parts[1::3], parts[2::3])}


def above_the_line():
    """The packages of apt.txt that build the service, without those of the tests."""
    text = (ROOT / "apt.txt").read_text().partition("# ----")[0]
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def what_runs_is_small():
    found = stages()
    must(list(found) == ["build", "runtime", "emulator", "service"], list(found))
    must({found[name][0] for name in ("emulator", "service")} == {"runtime"}, "both images are the small one")
    must(found["build"][0] == found["runtime"][0] == "debian:12-slim", "built for what it runs on")
    copied = [line for name in ("runtime", "emulator", "service") for line in found[name][1].splitlines() if line.startswith("COPY")]
    must(copied == ["COPY --from=build /gesso/build/release/gesso /usr/local/bin/"], copied)
    must(not packages() & above_the_line() and not any(name.endswith("-dev") for name in packages()),
         "nothing of the compiler's runs along")


def the_console_is_built_in():
    must({"nodejs", "npm"} <= above_the_line(), "what builds the pages is installed")
    must("GESSO_DOCS" not in DOCKERFILE.read_text(), "the pages are not left out")
    ignored = (ROOT / ".dockerignore").read_text().split()
    must(not any(line.rstrip("/") in ("web", "web/console", "web/console/src") for line in ignored), ignored)


def libraries_are_those_of_apt_txt(build):
    """Each library of the image is of one that apt.txt builds with, and the program needs it."""
    libraries = {name for name in packages() if name.startswith("lib")} - {"libstdc++6"}
    with_headers = {name for name in above_the_line() if name.endswith("-dev")}
    of_headers = with_dependencies(with_headers)
    must(libraries <= of_headers, f"apt.txt builds with none of {libraries - of_headers}")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", build / "gesso"))
    if any(SANITIZERS.match(library) for library in needed):
        return  # the allocator of a build for tests is another
    owners = {line.split(":")[0] for library in needed for line in output("dpkg", "-S", f"*/{library}").splitlines()}
    must(libraries <= owners, f"the program needs none of {libraries - owners}")
