"""deploy/azure/main.bicep: parsed, evaluated, held against the SDK and against what setup.sh makes."""

import functools
import json
import pathlib
import re
import subprocess
import tempfile

from setup_tests import body_of, finished, must, roles_of
from standin_az import SCRIPTS, Azure, every_body
from support.venv import python_with

HERE = pathlib.Path(__file__).resolve().parent
SECRETS = {"jwtSecret": "<jwt>", "encryptionKeys": "<encryption>"}
GIVEN = {
    **SECRETS, "account": "paint-db", "vault": "paint-kv", "storage": "paintpictures", "image": "registry.example/gesso:1",
    "createCollections": True, "createSecret": True, "location": "westeurope",
}  # fmt: skip
# Set at the place where the resource stands, not in its body.
OUTSIDE = {"name", "parent", "scope", "dependsOn"}


@functools.cache
def evaluate(**more):
    return evaluate_file(SCRIPTS / "main.bicep", json.dumps({**GIVEN, **more}))


def evaluate_file(file, given):
    python = python_with("tree-sitter==0.26.1", "tree-sitter-bicep==1.1.0")
    done = subprocess.run([python, HERE / "bicep_eval.py", file], input=given, capture_output=True, text=True)
    must(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def body(resource):
    return {name: value for name, value in resource["body"].items() if name not in OUTSIDE}


def agrees(bicep, script, path):
    """The same, wherever the value is known before deployment."""
    if isinstance(bicep, str) and "<" in bicep:
        return
    if isinstance(bicep, dict) and isinstance(script, dict):
        must(set(bicep) == set(script), f"{path}: {sorted(bicep)} in Bicep, {sorted(script)} in setup.sh")
        for name in bicep:
            agrees(bicep[name], script[name], f"{path}.{name}")
    elif isinstance(bicep, list) and isinstance(script, list):
        must(len(bicep) == len(script), f"{path}: {len(bicep)} in Bicep, {len(script)} in setup.sh")
        for index, (one, other) in enumerate(zip(bicep, script)):
            agrees(one, other, f"{path}[{index}]")
    else:
        must(bicep == script, f"{path}: {bicep!r} in Bicep, {script!r} in setup.sh")


def has_no_fault():
    found = evaluate()
    must(found["faults"] == [], "\n".join(found["faults"]))
    for one in found["resources"]:
        must(re.fullmatch(r"20\d\d-\d\d-\d\d(-preview)?", one["api"]), one)
        if not one["existing"]:
            every_body.append({"type": one["type"], "body": body(one)})
    for name in SECRETS:
        must(found["parameters"][name]["secure"], f"{name} is a secure parameter")
    for name in ["createCollections", "createSecret"]:
        must(found["parameters"][name]["needed"], f"{name} is decided each time, never by a default")


def is_read_by_a_test_that_sees_faults():
    text = (SCRIPTS / "main.bicep").read_text()
    for good, bad, said in [
        ("scope: storedString", "scope: storedSecret", "nothing declares storedSecret"),
        ("  name: vault\n", "  name: vault\n  name: vault\n", "name is there twice"),
        ("empty(one.unique)", "emty(one.unique)", "there is no function emty"),
        ("output vaultUrl", "output", "does not parse"),
        ("@maxValue(1000)\nparam maxReplicas", "param spare int = 1\nparam maxReplicas", "spare is declared and never used"),
    ]:
        must(good in text, f"the file has {good!r}")
        with tempfile.NamedTemporaryFile("w", suffix=".bicep") as broken:
            broken.write(text.replace(good, bad, 1))
            broken.flush()
            faults = evaluate_file(broken.name, json.dumps(GIVEN))["faults"]
        must(any(said in fault for fault in faults), f"{said!r} is not in {faults}")


def type_of(identity):
    """"Microsoft.KeyVault/vaults/secrets" and "v/s" of a resource's id."""
    *_, last = re.split(r"/providers/", identity, flags=re.IGNORECASE)
    space, *rest = last.split("/")
    return "/".join([space, *rest[0::2]]).lower(), "/".join(rest[1::2])


def makes_what_the_script_makes():
    state, calls, _ = finished()
    with Azure(**state) as azure:
        found = evaluate()["resources"]
        symbols = {one["symbol"]: one for one in found}

        def full_name(one):
            name = one["body"]["name"]
            while "parent" in one["body"]:
                one = symbols[one["body"]["parent"].strip("<>")]
                name = f"{one['body']['name']}/{name}"
            return name

        scripted = sorted(
            type_of(one["id"]) for name, one in azure.state["resources"].items() if "/providers/" in name
        )
        bicep = sorted((one["type"].lower(), full_name(one)) for one in found if not one["existing"])
        assignment = "microsoft.authorization/roleassignments"
        scripted = [(kind, "" if kind == assignment else name) for kind, name in scripted]
        bicep = [(kind, "" if kind == assignment else name) for kind, name in bicep]
        must(scripted == bicep, f"setup.sh: {scripted}\nBicep: {bicep}")

        # The same versions of the same interfaces.
        apis = {one["type"].lower(): one["api"] for one in found}
        for call in calls:
            arguments = dict(zip(call["argv"], call["argv"][1:]))
            if call["command"] == "rest":
                arguments["--ids"], _, arguments["--api-version"] = arguments["--url"].partition("?api-version=")
            if "--api-version" in arguments:
                arguments["--api-version"] = arguments["--api-version"].partition("&")[0]
                kind, _ = type_of(arguments.get("--id") or arguments["--ids"])
                must(apis[kind] == arguments["--api-version"], f"{kind}: {apis[kind]} in Bicep, {arguments}")

        # What setup.sh gives as JSON: to the letter.
        for symbol, place in [
            ("containerApp", "containerApps/gesso"),
            ("workerApp", "containerApps/gesso-work"),
            ("imagesAccount", "storageAccounts/paintpictures"),
            ("imagesContainer", "containers/images"),
            ("environmentOfApp", "managedEnvironments/gesso-env"),
            ("throttled", "metricAlerts/gesso-throttled"),
            ("requestUnits", "metricAlerts/gesso-request-units"),
        ]:
            agrees(body(symbols[symbol]), body_of(azure, place), symbol)

        # What it gives as arguments.
        account = body_of(azure, "databaseAccounts/paint-db")["arguments"]
        agrees(
            body(symbols["cosmos"]),
            {
                "location": "westeurope",
                "kind": account["--kind"],
                "properties": {
                    "databaseAccountOfferType": "Standard",
                    "apiProperties": {"serverVersion": account["--server-version"]},
                    "consistencyPolicy": {"defaultConsistencyLevel": account["--default-consistency-level"]},
                    "locations": [{
                        "locationName": account["--locations"][0].removeprefix("regionName="),
                        "failoverPriority": int(account["--locations"][1].removeprefix("failoverPriority=")),
                        "isZoneRedundant": account["--locations"][2] == "isZoneRedundant=True",
                    }],
                    "backupPolicy": {
                        "type": account["--backup-policy-type"],
                        "periodicModeProperties": {
                            "backupIntervalInMinutes": int(account["--backup-interval"]),
                            "backupRetentionIntervalInHours": int(account["--backup-retention"]),
                            "backupStorageRedundancy": account["--backup-redundancy"],
                        },
                    },
                },
            },
            "cosmos",
        )
        for one in found:
            if one["symbol"] == "collection":
                made = body_of(azure, f"collections/{one['body']['name']}")["arguments"]
                resource = {"id": made["--name"], "indexes": json.loads(made["--idx"])}
                if "--shard" in made:
                    resource["shardKey"] = {made["--shard"]: "Hash"}
                throughput = {"autoscaleSettings": {"maxThroughput": int(made["--max-throughput"])}}
                agrees(body(one), {"properties": {"resource": resource, "options": throughput}}, made["--name"])
            if one["type"] == "Microsoft.Insights/diagnosticSettings":
                of = symbols[one["body"]["scope"].strip("<>")]
                made = body_of(azure, f"{of['body']['name']}/providers/Microsoft.Insights/diagnosticSettings/gesso")
                must(made["arguments"]["--export-to-resource-specific"] == "true", made)
                agrees(one["body"]["properties"]["logs"], json.loads(made["arguments"]["--logs"]), one["symbol"])
        vault = body_of(azure, "vaults/paint-kv")["arguments"]
        properties = symbols["keyVault"]["body"]["properties"]
        must(str(properties["enableRbacAuthorization"]).lower() == vault["--enable-rbac-authorization"], vault)
        must(str(properties["enablePurgeProtection"]).lower() == vault["--enable-purge-protection"], vault)
        must(str(properties["softDeleteRetentionInDays"]) == vault["--retention-days"], vault)
        # The roles, by who is given which and where.
        def role_of(properties):
            variable = re.search(r", (\w+)\)", properties["roleDefinitionId"]).group(1)
            return re.search(rf"^var {variable} = '(.*)'$", (SCRIPTS / "main.bicep").read_text(), re.MULTILINE).group(1)

        roles = {
            (one["body"]["properties"]["principalId"].split(".")[0].strip("<"), role_of(one["body"]["properties"]),
             one["body"]["scope"].strip("<>"))
            for one in found if one["type"] == "Microsoft.Authorization/roleAssignments"
        }  # fmt: skip
        symbol_of = {"app": "containerApp", "worker": "workerApp", "secrets/mongodb-connection-string": "storedString",
                     "containers/images": "imagesContainer", "storageAccounts/paintpictures": "imagesAccount"}  # fmt: skip
        scripted = {(symbol_of[who], role, symbol_of[scope]) for who, role, scope in roles_of(azure)}
        must(roles == scripted and len(roles) == 5, roles ^ scripted)


def leaves_out_what_stands():
    later = evaluate(createCollections=False, createSecret=False)
    must(later["faults"] == [], later["faults"])
    kinds = [one["symbol"] for one in later["resources"]]
    must("collection" not in kinds and "connectionString" not in kinds, kinds)
    must("readSecret" in kinds and "containerApp" in kinds, kinds)


def takes_its_example_of_parameters():
    example = json.loads((SCRIPTS / "main.parameters.example.json").read_text())["parameters"]
    given = {name: one["value"] for name, one in example.items()}
    must(not SECRETS.keys() & given.keys(), "no secret stands in a file that is copied")
    found = evaluate_file(SCRIPTS / "main.bicep", json.dumps({**given, **SECRETS}))
    must(found["faults"] == [], found["faults"])


def takes_the_other_choices():
    found = evaluate(backup="continuous", serverVersion="7.0")
    must(found["faults"] == [], found["faults"])
    (cosmos,) = [one for one in found["resources"] if one["symbol"] == "cosmos"]
    must(cosmos["body"]["properties"]["backupPolicy"] == {"type": "Continuous"}, cosmos)
    must(evaluate(serverVersion="3.2")["faults"] != [], "3.2 is not allowed")


TESTS = {
    "main.bicep parses, and every name in it is declared and used": has_no_fault,
    "main.bicep is read by a test that sees faults": is_read_by_a_test_that_sees_faults,
    "main.bicep makes what setup.sh makes": makes_what_the_script_makes,
    "main.bicep leaves collections and secret alone the next time": leaves_out_what_stands,
    "main.bicep takes its example of parameters": takes_its_example_of_parameters,
    "main.bicep takes the other choices": takes_the_other_choices,
}
