"""The image: each stage of deploy/Dockerfile installs what it needs and no more, every package exists,
and what it copies and sets is there."""

import functools
import re
import subprocess

from support.harness import ROOT
from standin_az import must

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
APT = ROOT / "apt.txt"
# Of the compiler, and in a build for tests of its sanitizers.
COMPILER_S = {"libstdc++6"}
SANITIZERS = re.compile(r"lib(asan|ubsan|tsan|lsan)\.")
# Where the lists may differ from what the program links, and why.
NOT_NAMED = {
    "libc6": "dpkg needs it: each Debian has it",
    "libgcc-s1": "libc6 needs it",
    "zlib1g": "dpkg needs it",
}
NOT_LINKED = {
    "ca-certificates": "whom TLS trusts, no library",
    "libjemalloc2": "in builds for tests the sanitizers' allocator stands in its place",
}
NOT_RUN = {
    "libboost1.81-dev": "headers alone",
    "libcli11-dev": "headers alone",
    "libintelrdfpmath-dev": "linked into the program",
    "zlib1g-dev": "its library is in the base",
}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def stages(text):
    """The text of each stage by its name, and what it begins with."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", text, flags=re.MULTILINE)[1:]
    return {name: (base, text) for base, name, text in zip(parts[0::3], parts[1::3], parts[2::3])}


def installed(text):
    """What a stage installs by name."""
    lists = re.findall(r"apt-get install([^&\n]*)", text.replace("\\\n", " "))
    return {word for one in lists for word in one.split() if not word.startswith("-")}


def packages():
    return installed(stages(DOCKERFILE.read_text())["runtime"][1])


@functools.cache
def depends_on(package):
    return set(re.findall(r"^ *\|?Depends: ([\w.+-]+)$", output("apt-cache", "depends", package), re.MULTILINE))


@functools.cache
def linked(program):
    """By package, the libraries that the program takes something from."""
    wanted = set(output("nm", "--dynamic", "--undefined-only", "--without-symbol-versions", "--format=just-symbols", program).split())
    needed = output("readelf", "--dynamic", program)
    found = {}
    for library, path in re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", program), re.MULTILINE):
        if SANITIZERS.match(library) or f"[{library}]" not in needed:
            continue
        has = output("nm", "--dynamic", "--defined-only", "--without-symbol-versions", "--format=just-symbols", path)
        if wanted & set(has.split()):
            (owner,) = {line.split(":")[0] for line in output("dpkg", "-S", f"*-linux-gnu/{library}").splitlines()}
            found.setdefault(owner, []).append(library)
    return found


def faults_of_lists(dockerfile, apt, linked):
    """What is missing or superfluous in which stage."""
    found = stages(dockerfile)
    for name in ("build", "emulator", "service"):
        for package in sorted(installed(found[name][1])):
            yield f"{name}: {package} is superfluous: what builds comes from apt.txt, what runs from the stage runtime"
    if "RUN tools/packages --without-tests\n" not in found["build"][1]:
        yield "build: apt.txt is missing: nothing installs what stands above its line of dashes"
    named = installed(found["runtime"][1])
    for package in sorted(linked.keys() - named - NOT_NAMED.keys()):
        yield f"runtime: {package} is missing: the program links {', '.join(linked[package])}"
    for package in sorted(named - linked.keys() - NOT_LINKED.keys()):
        yield f"runtime: {package} is superfluous: the program links nothing of it"
    built_with = {name for name in above_the_line(apt) if name.endswith("-dev")}
    for package in sorted(built_with - NOT_RUN.keys()):
        if not depends_on(package) & (named | NOT_NAMED.keys()):
            yield f"build: {package} of apt.txt is superfluous: its library does not run"
    for package in sorted(named & linked.keys() - COMPILER_S):
        if not any(package in depends_on(one) for one in built_with):
            yield f"build: the headers of {package} are missing in apt.txt"


def each_stage_has_what_it_needs(build):
    faults = list(faults_of_lists(DOCKERFILE.read_text(), APT.read_text(), linked(build / "gesso")))
    must(not faults, "\n".join(faults))


def a_wrong_list_is_seen(build):
    dockerfile, apt, needed = DOCKERFILE.read_text(), APT.read_text(), linked(build / "gesso")
    for file, good, bad, said in [
        ("dockerfile", "        libwebp7 \\\n", "", "runtime: libwebp7 is missing: the program links libwebp.so.7"),
        ("dockerfile", "        libwebp7 \\\n", "        libwebp7 \\\n        libzstd1 \\\n", "runtime: libzstd1 is superfluous"),
        ("dockerfile", "COPY . .\n", "RUN apt-get install -y git\nCOPY . .\n", "build: git is superfluous"),
        ("dockerfile", "EXPOSE 8080\n", "EXPOSE 8080\nRUN apt-get update && apt-get install -y curl && true\n", "service: curl is superfluous"),
        ("dockerfile", "RUN tools/packages --without-tests\n", "", "build: apt.txt is missing"),
        ("apt", "libwebp-dev\n", "", "build: the headers of libwebp7 are missing in apt.txt"),
        ("apt", "libwebp-dev\n", "libwebp-dev\nlibzstd-dev\n", "build: libzstd-dev of apt.txt is superfluous"),
    ]:
        texts = {"dockerfile": dockerfile, "apt": apt}
        must(good in texts[file], f"{file} has {good!r}")
        texts[file] = texts[file].replace(good, bad, 1)
        faults = list(faults_of_lists(texts["dockerfile"], texts["apt"], needed))
        must(any(said in fault for fault in faults), f"{said!r} is not in {faults}")


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


def above_the_line(apt):
    """The packages of apt.txt that build the service, without those of the tests."""
    return {line for line in apt.partition("# ----")[0].splitlines() if line and not line.startswith("#")}


def what_runs_is_small():
    found = stages(DOCKERFILE.read_text())
    must(list(found) == ["build", "runtime", "emulator", "service"], list(found))
    must({found[name][0] for name in ("emulator", "service")} == {"runtime"}, "both images are the small one")
    must(found["build"][0] == found["runtime"][0] == "debian:12-slim", "built for what it runs on")
    copied = [line for name in ("runtime", "emulator", "service") for line in found[name][1].splitlines() if line.startswith("COPY")]
    must(copied == ["COPY --from=build /gesso/build/release/gesso /usr/local/bin/"], copied)
    must(not packages() & above_the_line(APT.read_text()) and not any(name.endswith("-dev") for name in packages()),
         "nothing of the compiler's runs along")


def the_console_is_built_in():
    must({"nodejs", "npm"} <= above_the_line(APT.read_text()), "what builds the pages is installed")
    must("GESSO_DOCS" not in DOCKERFILE.read_text(), "the pages are not left out")
    ignored = (ROOT / ".dockerignore").read_text().split()
    must(not any(line.rstrip("/") in ("web", "web/console", "web/console/src") for line in ignored), ignored)
