"""The scripts with the real `az` of Debian, whose requests end at a pretended resource manager.

The parser alone does not know which of its commands fail once they run: some of Debian's do.
"""

from bicep_tests import OUTSIDE, evaluate
from resource_manager import HOSTS, ResourceManager
from rotate_tests import ARGUMENTS as ROTATE
from setup_tests import ARGUMENTS as SETUP
from standin_az import must
from standin_az import SCRIPTS


def covers(bicep, sent, path):
    """What Bicep would send is in what az sent, wherever it is known before deployment."""
    if isinstance(bicep, str) and "<" in bicep:
        return
    if isinstance(bicep, dict) and isinstance(sent, dict):
        for name in bicep:
            must(name in sent, f"{path}.{name} is not in what az sent: {sent}")
            covers(bicep[name], sent[name], f"{path}.{name}")
    elif isinstance(bicep, list) and isinstance(sent, list):
        must(len(bicep) == len(sent), f"{path}: {bicep} and {sent}")
        for index, (one, other) in enumerate(zip(bicep, sent)):
            covers(one, other, f"{path}[{index}]")
    else:
        must(bicep == sent, f"{path}: {bicep!r} in Bicep, {sent!r} sent by az")


def sent_for(azure, resource, symbols):
    kind, name = resource["type"].lower(), resource["body"]["name"].lower()
    around = resource["body"].get("scope") or resource["body"].get("parent")
    if around:
        around = symbols[around.strip("<>")]["body"]["name"].lower()
    found = [
        one for path, one in azure.resources.items()
        if path.split("/")[-2] == kind.split("/")[-1]
        and (name.startswith("<") or path.endswith(f"/{name}"))
        and (not around or f"/{around}/" in path)
        and (not resource["body"].get("scope") or path.rsplit("/providers/", 1)[0].endswith(f"/{around}"))
    ]  # fmt: skip
    if kind.endswith("/roleassignments"):
        app = symbols[resource["body"]["properties"]["principalId"].strip("<>").split(".")[0]]["body"]["name"].lower()
        identity = next(one for path, one in azure.resources.items() if path.endswith(f"/containerapps/{app}"))["identity"]
        found = [one for one in found if one["properties"]["principalId"] == identity["principalId"]]
    must(len(found) == 1, f"{kind} {name}: {len(found)} were sent")
    return found[0]


def set_up_and_rotate():
    with ResourceManager() as azure:
        status, printed = azure.run(SCRIPTS / "setup.sh", *SETUP)
        must(status == 0, printed)
        found = evaluate()["resources"]
        symbols = {one["symbol"]: one for one in found}
        made = [one for one in found if not one["existing"]]
        for one in made:
            body = {name: value for name, value in one["body"].items() if name not in OUTSIDE}
            if one["symbol"] == "connectionString":
                body["properties"].pop("value")  # is never given back
            covers(body, sent_for(azure, one, symbols), one["symbol"])
        must(len(azure.resources) == len(made) + 1, f"and the group: {sorted(azure.resources)}")

        # Twice: what is in use stays valid each time, and in the end no old key is left.
        old = dict(azure.keys)
        for other, used in [("secondary", "primary"), ("primary", "secondary")]:
            before = azure.keys[used]
            status, printed = azure.run(SCRIPTS / "rotate.sh", *ROTATE, "--settle", "0")
            must(status == 0, printed)
            must(azure.keys[used] == before and azure.keys[other] != old[other], f"{other} is fresh, {used} is not")
            must(azure.keys[other] in azure.versions[-1][0], f"the secret holds the {other} key")
            must(not any(key in printed for key in [*azure.keys.values(), *old.values()]), "a key was shown")
        status, printed = azure.run(SCRIPTS / "rotate.sh", *ROTATE)
        must(status == 4 and "refused" in printed, f"the secret is young: {status}\n{printed}")
        asked = {host for _, host, _ in azure.requests}
        must(asked <= {*HOSTS, "127.0.0.1"}, f"asked {asked}")


TESTS = {
    "the real az sends what main.bicep would, and rotates the key": set_up_and_rotate,
}
