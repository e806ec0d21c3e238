"""deploy/azure/setup.sh against a pretended Azure."""

import functools
import json
import re
import shlex
import threading

from standin_az import Azure, changes, every_body, every_call, must, open_files
from support.harness import ROOT

ARGUMENTS = [
    "--resource-group", "paint-rg", "--location", "westeurope", "--account", "paint-db", "--vault", "paint-kv",
    "--storage", "paintpictures", "--image", "registry.example/gesso:1",
]  # fmt: skip
SHARD_KEYS = {
    "generations": "_id",
    "usage_logs": "user_id",
    "rate_limit_logs": "_id",
    "webhook_events": "_id",
}


def resources(azure, part):
    return {name: one for name, one in azure.state["resources"].items() if part.lower() in name}


def body_of(azure, part):
    (found,) = [one for name, one in azure.state["resources"].items() if name.endswith(part.lower())]
    return found["body"]


SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
DELEGATOR = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"


def roles_of(azure):
    """Who has what where: (whose identity, role, the scope's last two segments)."""
    found = set()
    for one in resources(azure, "/roleAssignments/").values():
        scope = one["id"].split("/providers/Microsoft.Authorization")[0]
        properties = one["body"]["properties"]
        must(properties["principalType"] == "ServicePrincipal", properties)
        who = {"1": "app", "2": "worker"}[properties["principalId"][0]]
        found.add((who, properties["roleDefinitionId"].rsplit("/", 1)[1], "/".join(scope.split("/")[-2:])))
    return found


def whole(azure):
    """Everything stands, was made once, and nothing secret was seen."""
    standing = azure.state["resources"]
    must(len(standing) == 27, f"{len(standing)} resources stand: {sorted(standing)}")
    must(all(one["state"] == "Succeeded" for one in standing.values()), standing)
    must(len(azure.state["versions"]) == 1, "the secret has one version")
    must(not azure.leaks(), f"shown: {azure.leaks()}")
    must(not open_files(azure.calls), f"open to others: {open_files(azure.calls)}")


def collect(azure):
    for name in ["managedEnvironments/gesso-env", "containerApps/gesso", "containerApps/gesso-work"]:
        every_body.append({"type": f"Microsoft.App/{name.split('/')[0]}", "body": body_of(azure, name)})
    for name in ["gesso-throttled", "gesso-request-units"]:
        every_body.append({"type": "Microsoft.Insights/metricAlerts", "body": body_of(azure, f"metricAlerts/{name}")})
    secret = body_of(azure, "secrets/mongodb-connection-string")
    every_body.append({"type": "Microsoft.KeyVault/vaults/secrets", "body": secret})
    for one in resources(azure, "/roleAssignments/").values():
        every_body.append({"type": "Microsoft.Authorization/roleAssignments", "body": one["body"]})
    storage = "Microsoft.Storage/storageAccounts"
    every_body.append({"type": storage, "body": body_of(azure, "storageAccounts/paintpictures")})
    every_body.append({"type": f"{storage}/blobServices/containers", "body": body_of(azure, "containers/images")})


def declared():
    """The collections of the schema document, each with the fields that are unique in all of it."""
    collections = {}
    for part in (ROOT / "docs" / "DATABASE_SCHEMA.md").read_text().split("\n## ")[1:]:
        name, _, text = part.partition("\n")
        rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.*?) \|$", text, re.MULTILINE)
        unique = [re.findall("`([^`]+)`", keys) for index, keys, rule in rows if rule == "unique" and index != "_id_"]
        if any(index == "_id_" for index, _, _ in rows):
            collections[name] = unique
    return collections


first = threading.Lock()


@functools.cache
def set_up():
    """The state that a first run leaves, and its calls."""
    with Azure() as azure:
        status, printed, calls = azure.run("setup.sh", *ARGUMENTS)
        must(status == 0, printed)
        return azure.state, calls, printed


def finished():
    with first:  # one of the tests runs it, the others wait for that
        return set_up()


def fresh_account():
    state, calls, printed = finished()
    with Azure(**state) as azure:
        azure.printed = printed + json.dumps([call["argv"] for call in calls])
        whole(azure)
        must(not open_files(calls), f"open to others: {open_files(calls)}")
        must(all(one["made"] == 1 for one in azure.state["resources"].values()))
        must("https://gesso.example.net/readyz" in printed, printed)
        stored = azure.state["versions"][0]["value"]
        must(stored.startswith("mongodb://paint-db:") and azure.state["keys"]["primary"] in stored, "the primary string")
        collections = declared()
        must(len(collections) == len(resources(azure, "/collections/")), f"{sorted(collections)}")
        for name, unique in collections.items():
            made = body_of(azure, f"collections/{name}")["arguments"]
            must(made.get("--shard") == SHARD_KEYS.get(name), f"{name}: {made}")
            indexes = [(one["key"]["keys"], one.get("options")) for one in json.loads(made["--idx"])]
            must(indexes == [(["_id"], None), *[(keys, {"unique": True}) for keys in unique]], f"{name}: {indexes}")
            # Cosmos DB wants the shard key first in a unique index.
            must("--shard" not in made or all(keys[0] == made["--shard"] for keys in unique), f"{name}: {made}")
        app = body_of(azure, "containerApps/gesso")
        must(app["identity"] == {"type": "SystemAssigned"}, app)
        (container,) = app["properties"]["template"]["containers"]
        variables = {one["name"]: one.get("value") for one in container["env"]}
        must(variables["GESSO_KEY_VAULT_URL"] == "https://paint-kv.vault.azure.net", variables)
        must(variables["GESSO_MONGODB_SECRET"] == "mongodb-connection-string", variables)
        must(variables["GESSO_DATABASE"] == "imagegenerator", variables)
        keys = {one["name"]: one["value"] for one in app["properties"]["configuration"]["secrets"]}
        must(set(keys) == {"jwt-secret", "encryption-keys"}, set(keys))
        must(all(len(key) == 64 for key in keys.values()), "48 random bytes sign the tokens, and encrypt")
        must(len(set(keys.values())) == 2, "the two are different")
        must(variables["GESSO_IMAGE_CONTAINER_URL"] == "https://paintpictures.blob.core.windows.net/images", variables)
        (working,) = body_of(azure, "containerApps/gesso-work")["properties"]["template"]["containers"]
        of_worker = {one["name"]: one["value"] for one in working["env"]}
        must(of_worker.items() < variables.items(), f"the worker has less of the same: {of_worker}")
        must("ingress" not in body_of(azure, "containerApps/gesso-work")["properties"]["configuration"], working)
        storage = body_of(azure, "storageAccounts/paintpictures")["properties"]
        must(not storage["allowSharedKeyAccess"] and not storage["allowBlobPublicAccess"], storage)
        must(body_of(azure, "containers/images")["properties"] == {"publicAccess": "None"})
        string = "secrets/mongodb-connection-string"
        wanted = {
            ("app", SECRETS_USER, string), ("worker", SECRETS_USER, string),
            ("app", DATA_CONTRIBUTOR, "containers/images"), ("worker", DATA_CONTRIBUTOR, "containers/images"),
            ("app", DELEGATOR, "storageAccounts/paintpictures"),
        }  # fmt: skip
        must(roles_of(azure) == wanted, f"{roles_of(azure) ^ wanted}")
        collect(azure)


def second_run():
    with Azure(**finished()[0]) as azure:
        before = azure.state
        status, printed, calls = azure.run("setup.sh", *ARGUMENTS)
        must(status == 0, printed)
        must(changes(calls) == [], changes(calls))
        must(azure.state == before, "the state is the same")
        must(not any("keys list" in call["command"] for call in calls), "no key is read where the secret stands")


def failure(match, step, half=False, made_twice=()):
    """A step fails once: clear message, nothing after it; the next run finishes."""

    def test():
        with Azure(failures=[{"match": match, "times": 1, "half": half, "message": "ERROR: (Scripted) no."}]) as azure:
            status, printed, calls = azure.run("setup.sh", *ARGUMENTS)
            must(status == 1, f"{status}\n{printed}")
            must("ERROR: (Scripted) no." in printed, printed)
            must(f"failed at: {step}" in printed and "run it again" in printed, printed)
            must(match in f"{calls[-1]['command']} {' '.join(calls[-1]['argv'])}", f"went on: {calls[-1]}")
            status, printed, _ = azure.run("setup.sh", *ARGUMENTS)
            must(status == 0, printed)
            whole(azure)
            for name, one in azure.state["resources"].items():
                twice = any(name.endswith(part.lower()) for part in made_twice)
                must(one["made"] == (2 if twice else 1), f"{name} was made {one['made']} times")

    return test


def unsure_is_not_absent():
    """A look that fails for another reason than absence makes nothing."""
    with Azure(**finished()[0]) as azure:
        for match in ["resource show --ids /subscriptions", "group exists", "mongodb collection exists", "roleAssignments?"]:
            azure.change(failures=[{"match": match, "times": 1, "message": "ERROR: Please run 'az login'."}])
            status, printed, calls = azure.run("setup.sh", *ARGUMENTS)
            must(status == 1 and "az login" in printed, f"{match}: {status}\n{printed}")
            must(changes(calls) == [], f"{match}: {changes(calls)}")


def busy_resource():
    with Azure(**finished()[0]) as azure:
        state = azure.state
        for name, one in state["resources"].items():
            if name.endswith("/databaseaccounts/paint-db"):
                one["state"] = "Updating"
        azure.write(state)
        status, printed, calls = azure.run("setup.sh", *ARGUMENTS)
        must(status == 1 and '"Updating"' in printed, printed)
        must(changes(calls) == [], changes(calls))


def dry_run():
    with Azure() as azure:
        status, printed, calls = azure.run("setup.sh", *ARGUMENTS, "--dry-run")
        must(status == 0 and calls == [], f"{status} {calls}")
        shown = [shlex.split(line)[1:] for line in printed.splitlines()]
        must(all(line.startswith("az ") for line in printed.splitlines()), printed)
        for call in shown:
            every_call[tuple(call)] = "setup.sh --dry-run"
        made = [call["command"] for call in finished()[1]]
        must([" ".join(call).split(" -")[0] for call in shown] == made, "the same calls as a first set-up")


def other_choices():
    with Azure() as azure:
        status, printed, calls = azure.run(
            "setup.sh", *ARGUMENTS, "--backup", "continuous", "--max-throughput", "4000",
            "--app", "easel", "--database", "paint", "--secret", "paint-string", "--max-replicas", "3",
            "--worker", "brush", "--container", "works", "--max-workers", "5",
        )  # fmt: skip
        must(status == 0, printed)
        account = body_of(azure, "databaseAccounts/paint-db")["arguments"]
        must(account["--backup-policy-type"] == "Continuous" and "--backup-interval" not in account, account)
        # Debian's az knows no later one, hence this is not run.
        _, printed, _ = azure.run("setup.sh", *ARGUMENTS, "--server-version", "7.0", "--dry-run")
        must("--server-version 7.0" in printed, printed)
        must(body_of(azure, "mongodbDatabases/paint/collections/users")["arguments"]["--max-throughput"] == "4000")
        must(body_of(azure, "containerApps/easel")["properties"]["template"]["scale"]["maxReplicas"] == 3)
        must(body_of(azure, "containerApps/brush")["properties"]["template"]["scale"]["maxReplicas"] == 5)
        must(body_of(azure, "containers/works"))
        must(roles_of(azure) == {
            ("app", SECRETS_USER, "secrets/paint-string"), ("worker", SECRETS_USER, "secrets/paint-string"),
            ("app", DATA_CONTRIBUTOR, "containers/works"), ("worker", DATA_CONTRIBUTOR, "containers/works"),
            ("app", DELEGATOR, "storageAccounts/paintpictures"),
        }, roles_of(azure))  # fmt: skip


def capabilities():
    """az is given all of them, since what it is not given is switched off; and nothing where they are on."""
    with Azure(**finished()[0]) as azure:
        wanted = [*ARGUMENTS, "--capability", "EnableMongoRetryableWrites", "--capability", "EnableUniqueCompoundNestedDocs"]
        azure.change(capabilities=["EnableMongo"])
        status, printed, calls = azure.run("setup.sh", *wanted)
        must(status == 0, printed)
        must([call["command"] for call in changes(calls)] == ["cosmosdb update"], changes(calls))
        on = ["EnableMongo", "EnableMongoRetryableWrites", "EnableUniqueCompoundNestedDocs"]
        must(azure.state["capabilities"] == on, azure.state["capabilities"])
        status, printed, calls = azure.run("setup.sh", *wanted)
        must(status == 0 and changes(calls) == [], changes(calls))


def misuse():
    with Azure() as azure:
        for arguments, said in [
            ([*ARGUMENTS, "--frobnicate", "x"], "there is no option --frobnicate"),
            ([*ARGUMENTS, "extra"], '"extra" is not an option'),
            ([*ARGUMENTS, "--app"], "--app needs a value"),
        ]:
            status, printed, calls = azure.run("setup.sh", *arguments)
            must(status == 2 and said in printed and calls == [], f"{arguments}: {status}\n{printed}")
        status, printed, calls = azure.run("setup.sh", "--help")
        must(status == 0 and "--dry-run" in printed and calls == [], printed)


TESTS = {
    "setup.sh makes everything on a fresh subscription": fresh_account,
    "setup.sh makes nothing twice": second_run,
    "setup.sh goes on after the account could not be made": failure("cosmosdb create", "Cosmos DB account paint-db"),
    "setup.sh goes on after the vault could not be made": failure("keyvault create", "Key Vault paint-kv"),
    "setup.sh goes on after the secret could not be stored": failure(
        "secret.json", "secret mongodb-connection-string"),
    "setup.sh makes an app anew that failed half-way": failure(
        "app.json", "Container App gesso", half=True, made_twice=["containerApps/gesso"]),
    "setup.sh goes on after the role could not be given": failure(
        "role.json", "roles of gesso"),
    "setup.sh goes on after the images' account could not be made": failure(
        "storage.json", "storage account paintpictures"),
    "setup.sh goes on after the container could not be made": failure("container.json", "container images"),
    "setup.sh makes a worker anew that failed half-way": failure(
        "worker.json", "Container App gesso-work", half=True, made_twice=["containerApps/gesso-work"]),
    "setup.sh does not take a failed look for absence": unsure_is_not_absent,
    "setup.sh waits for nobody who is at work on the account": busy_resource,
    "setup.sh --dry-run shows the calls of a first set-up and makes none": dry_run,
    "setup.sh takes other names and sizes": other_choices,
    "setup.sh switches capabilities on and none off": capabilities,
    "setup.sh says what is wrong with its command line": misuse,
}
