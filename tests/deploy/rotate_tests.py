"""deploy/azure/rotate.sh against a pretended Azure."""

import shlex
import time

from standin_az import Azure, changes, connection_string, every_call, fresh_key, must, open_files

ARGUMENTS = ["--resource-group", "paint-rg", "--account", "paint-db", "--vault", "paint-kv"]


def pretended(holds="primary", age=86_400, encoded=False, **state):
    """An Azure whose secret holds that key; "neither": one that the account had once."""
    keys = {"primary": fresh_key(), "secondary": fresh_key(), "neither": fresh_key()}
    value = connection_string("paint-db", keys[holds], encoded)
    return Azure(
        keys={name: keys[name] for name in ["primary", "secondary"]},
        versions=[{"version": "0" * 32, "value": value, "created": int(time.time()) - age}],
        now=int(time.time()),
        percent_encoded=encoded,
        **state,
    )


def holder(azure):
    """Which key the newest version of the secret holds."""
    state = azure.state
    newest = azure.state["versions"][-1]["value"]
    names = [name for name, key in state["keys"].items() if f":{key}@" in newest]
    return names[0] if names else "neither"


def sequence(calls):
    short = {"cosmosdb keys regenerate": "regenerate", "sleep": "sleep"}
    for call in calls:
        if call["command"] in short:
            yield short[call["command"]]
        elif call["command"] == "rest" and "put" in call["argv"]:
            yield "store"


def clean(azure):
    must(not azure.leaks(), f"shown: {azure.leaks()}")
    must(not open_files(azure.calls), f"open to others: {open_files(azure.calls)}")


def key_first(holds, other):
    def test():
        with pretended(holds) as azure:
            in_use = azure.state["keys"][holds]
            status, printed, calls = azure.run("rotate.sh", *ARGUMENTS)
            must(status == 0, printed)
            must(azure.state["regenerated"] == [other], "only the key that is not in use")
            must(azure.state["keys"][holds] == in_use, "the key in use stays as it is")
            must(holder(azure) == other, "the secret holds the fresh key")
            must(list(sequence(calls)) == ["regenerate", "store"], list(sequence(calls)))
            clean(azure)

    return test


def twice_in_a_row():
    """The second time it is the first one's key that is regenerated: after it, both keys are fresh."""
    with pretended("primary") as azure:
        first = azure.state["keys"]
        azure.run("rotate.sh", *ARGUMENTS)
        state = azure.state
        state["versions"][-1]["created"] -= 3600
        azure.write(state)
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 0, printed)
        must(azure.state["regenerated"] == ["secondary", "primary"], azure.state["regenerated"])
        must(not set(first.values()) & set(azure.state["keys"].values()), "both keys are fresh")
        must(holder(azure) == "primary")
        clean(azure)


def percent_encoded():
    with pretended("secondary", encoded=True) as azure:
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 0 and azure.state["regenerated"] == ["primary"], printed)
        clean(azure)


def young_secret():
    """Some process may not have read the newest version, and so use the key that would go."""
    with pretended(age=60) as azure:
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 4 and "refused" in printed, f"{status}\n{printed}")
        must(changes(calls) == [], changes(calls))
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS, "--settle", "30")
        must(status == 0, printed)


def neither_key():
    for order in ["key-first", "secret-first"]:
        with pretended("neither") as azure:
            status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--order", order)
            must(status == 3 and "--store" in printed, f"{status}\n{printed}")
            must(changes(calls) == [], changes(calls))
            clean(azure)


def only_store():
    with pretended("neither") as azure:
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--store", "secondary")
        must(status == 0 and holder(azure) == "secondary", printed)
        must(azure.state["regenerated"] == [] and list(sequence(calls)) == ["store"], calls)
        clean(azure)


def secret_first():
    with pretended("primary") as azure:
        leaked, other = azure.state["keys"]["primary"], azure.state["keys"]["secondary"]
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--order", "secret-first", "--settle", "700")
        must(status == 0, printed)
        must(list(sequence(calls)) == ["store", "sleep", "regenerate"], list(sequence(calls)))
        must([call["argv"] for call in calls if call["command"] == "sleep"] == [["700"]], "waits for the others")
        must(azure.state["keys"]["primary"] != leaked and azure.state["keys"]["secondary"] == other)
        must(holder(azure) == "secondary", "the secret holds the key that stood already")
        clean(azure)


def switched_back_meanwhile():
    """Somebody stores the old string again while the script waits: its key is not regenerated."""
    with pretended("primary") as azure:
        meanwhile = azure.folder / "meanwhile"
        meanwhile.write_text(
            "#!/usr/bin/python3\nimport json, os\n"
            "path = os.environ['AZ_STANDIN'] + '/state.json'\n"
            "state = json.load(open(path))\n"
            "state['versions'].append(state['versions'][0])\n"
            "json.dump(state, open(path, 'w'))\n"
        )
        meanwhile.chmod(0o755)
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS, "--order", "secret-first")
        must(status == 4 and "refused" in printed, f"{status}\n{printed}")
        must(azure.state["regenerated"] == [], azure.state["regenerated"])
        clean(azure)


def slow_regeneration():
    """The old key is listed for a while: it is not stored as if it were the new one."""
    with pretended("primary", lag=5) as azure:
        old = azure.state["keys"]["secondary"]
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 0, printed)
        must(list(sequence(calls))[0] == "regenerate" and list(sequence(calls))[-1] == "store", list(sequence(calls)))
        must("sleep" in list(sequence(calls)), "it looks again and again")
        must(old not in azure.state["versions"][-1]["value"] and holder(azure) == "secondary")
        clean(azure)


def endless_regeneration():
    with pretended("primary", lag=1000) as azure:
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--timeout", "0")
        must(status == 5 and "nothing else was changed" in printed, f"{status}\n{printed}")
        must(len(azure.state["versions"]) == 1, "the secret is as it was")
        clean(azure)


def failed_store():
    with pretended("primary", failures=[{"match": "rest --method put", "times": 1, "message": "ERROR: no."}]) as azure:
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 1 and "ERROR: no." in printed and "run it again" in printed, f"{status}\n{printed}")
        must(holder(azure) == "primary", "what is in use stays in use")
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 0 and holder(azure) == "secondary", printed)
        must(azure.state["regenerated"] == ["secondary", "secondary"], azure.state["regenerated"])
        clean(azure)


def failed_regeneration():
    failure = {"match": "keys regenerate", "times": 1, "message": "ERROR: (PreconditionFailed) busy."}
    with pretended("primary", failures=[failure]) as azure:
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 1 and "busy" in printed and "run it again" in printed, f"{status}\n{printed}")
        must(len(azure.state["versions"]) == 1, "the secret is as it was")


def no_permission():
    failure = {"match": "rest --method get", "times": 1, "message": "ERROR: Forbidden"}
    with pretended(failures=[failure]) as azure:
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS)
        must(status == 1 and "Key Vault Secrets User" in printed, f"{status}\n{printed}")
        must(changes(calls) == [], changes(calls))


def checks():
    with pretended("primary") as azure:
        version = azure.folder / "version"
        check = f'printf %s "$GESSO_SECRET_VERSION" > {version}; [ "$GESSO_SECRET_VERSION" != {"0" * 32} ]'
        status, printed, _ = azure.run("rotate.sh", *ARGUMENTS, "--check", check)
        must(status == 0, printed)
        must(version.read_text() == azure.state["versions"][-1]["version"], "the check knows the version")
    with pretended("primary") as azure:
        old = azure.state["keys"]["primary"]
        status, printed, _ = azure.run(
            "rotate.sh", *ARGUMENTS, "--order", "secret-first", "--settle", "0", "--check", "echo not yet; false")  # fmt: skip
        must(status == 5 and "not yet" in printed, f"{status}\n{printed}")
        must(azure.state["keys"]["primary"] == old, "no key goes before the check succeeds")


def dry_run():
    with pretended() as azure:
        for more in [[], ["--order", "secret-first"], ["--store", "primary"]]:
            status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--dry-run", *more)
            must(status == 0 and calls == [], f"{status} {calls}")
            lines = [line for line in printed.splitlines() if not line.startswith("#")]
            must(all(line.startswith("az ") for line in lines), printed)
            must(("regenerate" in printed) == ("--store" not in more), printed)
            for line in lines:
                every_call[tuple(shlex.split(line)[1:])] = "rotate.sh --dry-run"


def misuse():
    with pretended() as azure:
        status, printed, calls = azure.run("rotate.sh", *ARGUMENTS, "--force")
        must(status == 2 and "there is no option --force" in printed and calls == [], f"{status}\n{printed}")
        status, printed, _ = azure.run("rotate.sh", "--help")
        must(status == 0 and "secret-first" in printed, printed)


TESTS = {
    "rotate.sh regenerates the secondary key while the primary is in use": key_first("primary", "secondary"),
    "rotate.sh regenerates the primary key while the secondary is in use": key_first("secondary", "primary"),
    "rotate.sh twice leaves no old key": twice_in_a_row,
    "rotate.sh knows a key again that is percent-encoded": percent_encoded,
    "rotate.sh refuses while processes may not have read the secret": young_secret,
    "rotate.sh refuses when it cannot tell which key is in use": neither_key,
    "rotate.sh --store stores a key and regenerates none": only_store,
    "rotate.sh --order secret-first regenerates the key once it is out of use": secret_first,
    "rotate.sh looks again before it regenerates": switched_back_meanwhile,
    "rotate.sh waits until a regeneration shows": slow_regeneration,
    "rotate.sh gives up on a regeneration in time, with nothing lost": endless_regeneration,
    "rotate.sh goes on after the secret could not be stored": failed_store,
    "rotate.sh leaves the secret when the regeneration fails": failed_regeneration,
    "rotate.sh names the role that is missing": no_permission,
    "rotate.sh waits for the check before it goes on": checks,
    "rotate.sh --dry-run shows the calls and makes none": dry_run,
    "rotate.sh says what is wrong with its command line": misuse,
}
