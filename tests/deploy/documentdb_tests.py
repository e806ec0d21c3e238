"""deploy/azure/documentdb.sh against a pretended `az`; tools/cost_model and what SCALING.md shows of it."""

import json
import re
import shlex
import subprocess

from standin_az import Azure, every_call, must
from support.harness import ROOT

PRINCIPAL = "11111111-2222-3333-4444-555555555555"
ARGUMENTS = ["--resource-group", "paint-rg", "--cluster", "paint-docs", "--location", "westeurope", "--principal", PRINCIPAL]


def shown(*more):
    """The calls of --dry-run, each as words; the parser of azure-cli looks at them too."""
    with Azure() as azure:
        status, printed, calls = azure.run("documentdb.sh", *ARGUMENTS, *more, "--dry-run")
        must(status == 0 and calls == [], f"{status} {calls} {printed}")
        found = [shlex.split(line)[1:] for line in printed.splitlines()]
        for call in found:
            every_call[tuple(call)] = "documentdb.sh --dry-run"
        return found


def options(call):
    return dict(zip(call, call[1:]))


def the_identity_becomes_a_user():
    modes, user = shown()
    must(options(modes)["--set"] == 'properties.authConfig.allowedModes=["NativeAuth","MicrosoftEntraID"]', modes)
    must(options(user)["--name"] == f"paint-docs/users/{PRINCIPAL}", "by its object id")
    must(json.loads(options(user)["--properties"]) == {
        "identityProvider": {"type": "MicrosoftEntraID", "properties": {"principalType": "ManagedIdentity"}},
        "roles": [{"db": "admin", "role": "root"}],
    }, user)
    must(all(options(call)["--api-version"] == "2025-09-01" for call in (modes, user)), "one version")


def passwords_go_last():
    user, modes = shown("--keep-passwords", "no")
    must("create" in user and options(modes)["--set"] == 'properties.authConfig.allowedModes=["MicrosoftEntraID"]', modes)


def the_string_holds_no_secret():
    """It is the one that the tests of the driver's side read."""
    text = (ROOT / "deploy" / "azure" / "documentdb.sh").read_text()
    (line,) = re.findall(r"^GESSO_MONGODB_URI='(.*)'$", text, re.MULTILINE)
    string = line.replace("${client_id:+$client_id@}", f"{PRINCIPAL}@").replace("$cluster", "paint")
    tested = (ROOT / "tests" / "mongo" / "uri_test.cpp").read_text()
    literal = re.search(r"kIdentity =\s*((?:\"[^\"]*\"\s*)+);", tested).group(1)
    tested = re.sub(r"[0-9a-f-]{36}@", f"{PRINCIPAL}@", "".join(re.findall(r'"([^"]*)"', literal)))
    must(string == tested, f"{string}\n{tested}")


def cost(*arguments):
    done = subprocess.run([ROOT / "tools" / "cost_model", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout


def the_cost_model_prints_what_the_page_shows():
    text = (ROOT / "docs" / "SCALING.md").read_text()
    (command,) = re.findall(r"^tools/cost_model (.*)$", text, re.MULTILINE)
    (output,) = re.findall(r"<!-- output of tools/cost_model -->\n```text\n(.*?)```", text, re.DOTALL)
    must(cost(*shlex.split(command)) == (0, output), cost(*shlex.split(command)))


def model(**given):
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    status, text = cost(*words, "--json")
    must(status == 0, text)
    return json.loads(text)


def the_cost_model_follows_its_parameters():
    common = {"price": 0.01, "storage_price": 0, "gigabytes": 0}
    # A hundred reads a second, evenly, and nothing else: 100 units, and the least throughput is billed.
    even = model(requests=100 * 30.4 * 86400, reads=1, queries=0, peak=1, **common)
    must(even["units_a_second"] == 100 and even["manual_throughput"] == 400, even)
    must(even["manual_cost"] == round(4 * 0.01 * 30.4 * 24, 2), even)
    doubled = model(requests=100 * 30.4 * 86400, reads=1, queries=0, peak=1, **{**common, "price": 0.02})
    must(abs(doubled["manual_cost"] - 2 * even["manual_cost"]) < 0.02, doubled)
    large = model(requests=1e6, price=0.01, storage_price=0.25, gigabytes=600)
    must(large["partitions"] == 12 and large["manual_throughput"] == 600 and large["autoscale_maximum"] == 6000, large)
    busy = model(requests=100 * 30.4 * 86400, reads=0, queries=0, write_units=100, peak=10, **common)
    must(busy["units_a_second_at_the_peak"] == 100_000 and busy["partitions"] == 10, busy)
    must(cost("--requests", "1", "--reads", "0.9", "--queries", "0.2", "--price", "1", "--storage-price", "1")[0] == 2, "parts of one")


TESTS = {
    "documentdb.sh makes the identity a user of the cluster": the_identity_becomes_a_user,
    "documentdb.sh switches passwords off last": passwords_go_last,
    "documentdb.sh prints the string that Gesso takes": the_string_holds_no_secret,
    "tools/cost_model prints what SCALING.md shows": the_cost_model_prints_what_the_page_shows,
    "tools/cost_model follows its parameters": the_cost_model_follows_its_parameters,
}
