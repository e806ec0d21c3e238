"""What the scripts in deploy/azure take and refuse, option by option, before az is called at all."""

import re
import subprocess

from standin_az import SCRIPTS, Azure, must

ID = "11111111-2222-3333-4444-555555555555"
NEEDED = {
    "setup.sh": {
        "--resource-group": "paint-rg", "--location": "westeurope", "--account": "paint-db", "--vault": "paint-kv",
        "--storage": "paintpictures", "--image": "registry.example/gesso:1",
    },
    "rotate.sh": {"--resource-group": "paint-rg", "--account": "paint-db", "--vault": "paint-kv"},
    "documentdb.sh": {"--resource-group": "paint-rg", "--cluster": "paint-docs", "--location": "westeurope", "--principal": ID},
}  # fmt: skip
GROUP = ("1 to 90 of letters, digits and _().-", ["a", "A_(1).-" * 12], ["a/b", "a" * 91, 'x", "y'])
REGION = ("3 to 40 of a-z and 0-9", ["westeurope"], ["West Europe", "we"])
ACCOUNT = ("3 to 44 of a-z, 0-9 and single - inside", ["abc", "a-1" * 14], ["Upper_Case", "ab", "a" * 45, "paint-", "paint--db"])
VAULT = ("3 to 24 of letters, digits and single - inside", ["Kv1", "k-v" * 8], ["1kv", "kv", "k" * 25, "kv-", "k--v"])
SECRET = ("1 to 127 of letters, digits and -", ["a", "A-1" * 42], ["a_b", "a" * 128])
APP = ("2 to 32 of a-z, 0-9 and single - inside", ["ab", "a-1" * 9], ["a", "Ab", "1ab", "ab-", "a--b", "a" * 33, 'x", "y": "'])
REPLICAS = ("a whole number from 1 to 1000", ["1", "1000"], ["0", "-1", "1001", "08", "1.5", "ten", "9" * 40, "1 2", "0x1"])
SECONDS = ("a whole number from 0 to 999999", ["0", "999999"], ["-1", "1000000", "010", "1e3", "5m"])
# By script and option: how the message says what is expected, what is taken, what is refused.
TABLE = {
    "setup.sh": {
        "--resource-group": GROUP, "--location": REGION, "--account": ACCOUNT, "--vault": VAULT, "--secret": SECRET,
        "--storage": ("3 to 24 of a-z and 0-9", ["abc", "a" * 24], ["with-hyphen", "ab", "a" * 25, "Upper"]),
        "--image": ("1 to 255 of letters, digits and ./:@_-", ["gesso", "r.example:5000/a/b@sha256:0"], ["-x", "a b", "a" * 256]),
        "--app": APP, "--worker": APP,
        "--environment": ("2 to 60 of a-z, 0-9 and single - inside", ["ab"], ["a", "ab-", "a" * 61]),
        "--workspace": ("4 to 63 of letters, digits and - inside", ["Abcd", "a--b"], ["abc", "abc-", "a" * 64]),
        "--database": ("1 to 63 of letters, digits, _ and -", ["a", "A_-1"], ["a.b", "a" * 64]),
        "--container": ("3 to 63 of a-z, 0-9 and single - inside", ["abc", "a" * 63], ["ab", "a--b", "abc-", "a" * 64, "Abc"]),
        "--server-version": ("one of 4.2, 5.0, 6.0, 7.0", ["4.2", "7.0"], ["4.3", "9.9", "7", "4.2 5.0"]),
        "--max-throughput": ("a whole number from 1000 to 1000000 in steps of 1000", ["1000", "1000000"],
                             ["0", "999", "1500", "0000", "1001000", "01000"]),
        "--capability": ("one of DisableRateLimitingResponses, EnableMongo16MBDocumentSupport", ["EnableTtlOnCustomPath"],
                         ["x y", "EnableMongoRetryableWrite", "enablettloncustompath"]),
        "--backup": ("one of periodic, continuous", ["periodic", "continuous"], ["never", "Periodic", "periodic continuous"]),
        "--max-replicas": REPLICAS, "--max-workers": REPLICAS,
    },
    "rotate.sh": {
        "--resource-group": GROUP, "--account": ACCOUNT, "--vault": VAULT, "--secret": SECRET,
        "--order": ("one of key-first, secret-first", ["key-first", "secret-first"], ["both", "key"]),
        "--store": ("one of primary, secondary", ["primary", "secondary"], ["both", "Primary"]),
        "--settle": SECONDS, "--timeout": SECONDS,
        "--check": ("1 to 100000 of a command", ["true", "a\nb"], ["x" * 100_001]),
    },
    "documentdb.sh": {
        "--resource-group": GROUP, "--location": REGION,
        "--cluster": ("3 to 40 of a-z, 0-9 and single - inside", ["abc"], ["ab", "Abc", "abc-", "a" * 41]),
        "--principal": ("36 to 36 of an id like", [ID], ["paint-identity", ID + "0"]),
        "--client-id": ("36 to 36 of an id like", [ID], ["x"]),
        "--keep-passwords": ("one of yes, no", ["yes", "no"], ["maybe", "YES"]),
    },
}  # fmt: skip


def words(options):
    return [word for pair in options.items() for word in pair]


def of(script):
    def test():
        with Azure() as azure:
            for option, (expected, taken, refused) in TABLE[script].items():
                for value in taken:
                    status, printed, calls = azure.run(script, *words({**NEEDED[script], option: value}), "--dry-run")
                    must(status == 0 and calls == [], f"{option} {value!r}: {status}\n{printed}")
                for value in refused:
                    status, printed, calls = azure.run(script, *words({**NEEDED[script], option: value}))
                    said = f"{script}: {option}: expected {expected}"
                    must(status == 2 and said in printed and f'found "{value}" (see --help)' in printed and calls == [],
                         f"{option} {value!r}: {status}\n{printed}")
                # What the caller's shell, or the caller, forgot to fill in.
                for value in ["", "--dry-run"]:
                    status, printed, calls = azure.run(script, *words({**NEEDED[script], option: value}))
                    must(status == 2 and f"{option} needs a value" in printed and calls == [], f"{option} {value!r}: {printed}")

    return test


def needs(script):
    def test():
        with Azure() as azure:
            for option in NEEDED[script]:
                given = {name: value for name, value in NEEDED[script].items() if name != option}
                status, printed, calls = azure.run(script, *words(given))
                must(status == 2 and f"{option} is needed" in printed and calls == [], printed)

    return test


def run_from_their_folder():
    for script in TABLE:
        done = subprocess.run(["bash", script, "--help"], cwd=SCRIPTS, capture_output=True, text=True)
        must(done.returncode == 0 and "--dry-run" in done.stdout, f"{script}: {done.stderr}")


def no_option_is_left_out():
    for script in sorted(path.name for path in SCRIPTS.glob("*.sh")):
        text = (SCRIPTS / script).read_text()
        (table,) = re.findall(r"^options=\((.*?)^\)", text, re.MULTILINE | re.DOTALL)
        options = set(re.findall(r"\[(--[a-z-]+)\]=", table))
        must(options == set(TABLE[script]), f"{script}: {options ^ set(TABLE[script])}")
        (usage,) = re.findall(r"^usage\(\) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        shown = set(re.findall(r"--[a-z-]+", usage))
        must(options | {"--dry-run", "--help"} <= shown, f"{script} --help does not show {options - shown}")


def the_bicep_allows_the_same():
    """By parameter: what its decorators say, against what the script says."""
    text = (SCRIPTS / "main.bicep").read_text()

    def parameter(name):
        (decorators,) = re.findall(rf"((?:^@.*\n|^  '.*\n|^\]\)\n)+)^param {name} ", text, re.MULTILINE)
        return decorators

    for name, option in [("serverVersion", "--server-version"), ("backup", "--backup")]:
        allowed = re.findall(r"^  '(.*)'$", parameter(name), re.MULTILINE)
        must(TABLE["setup.sh"][option][0] == "one of " + ", ".join(allowed), f"{name}: {allowed}")
    for kind, names in [("Value", ["maxReplicas", "maxWorkers", "maxThroughput"]),
                        ("Length", ["account", "vault", "storage", "container", "app", "worker"])]:  # fmt: skip
        for name in names:
            option = re.sub("[A-Z]", lambda found: "-" + found.group().lower(), f"--{name}")
            bounds = re.findall(rf"@m(?:in|ax){kind}\((\d+)\)", parameter(name))
            said = re.findall(r"\d+", TABLE["setup.sh"][option][0])[:2]
            must(bounds == said, f"{name}: {bounds} in Bicep, {said} in setup.sh")


TESTS = {
    **{f"{script} takes and refuses what its table says": of(script) for script in TABLE},
    **{f"{script} says which option is needed": needs(script) for script in TABLE},
    "the scripts run from their own folder": run_from_their_folder,
    "no option of a script is left out": no_option_is_left_out,
    "main.bicep allows what setup.sh does": the_bicep_allows_the_same,
}
