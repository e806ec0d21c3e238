"""Holds the body of a resource against the models of Azure's SDK in Debian: names, kinds, nesting."""

import importlib
import re

MODELS = {
    "microsoft.operationalinsights/workspaces": ("loganalytics.models", "Workspace"),
    "microsoft.documentdb/databaseaccounts": ("cosmosdb.models", "DatabaseAccountCreateUpdateParameters"),
    "microsoft.documentdb/databaseaccounts/mongodbdatabases": (
        "cosmosdb.models", "MongoDBDatabaseCreateUpdateParameters"),
    "microsoft.documentdb/databaseaccounts/mongodbdatabases/collections": (
        "cosmosdb.models", "MongoDBCollectionCreateUpdateParameters"),
    "microsoft.keyvault/vaults": ("keyvault.v2022_07_01.models", "VaultCreateOrUpdateParameters"),
    "microsoft.keyvault/vaults/secrets": ("keyvault.v2022_07_01.models", "SecretCreateOrUpdateParameters"),
    "microsoft.insights/diagnosticsettings": ("monitor.v2021_05_01_preview.models", "DiagnosticSettingsResource"),
    "microsoft.insights/metricalerts": ("monitor.v2018_03_01.models", "MetricAlertResource"),
    "microsoft.storage/storageaccounts": ("storage.v2022_09_01.models", "StorageAccountCreateParameters"),
    "microsoft.storage/storageaccounts/blobservices/containers": ("storage.v2022_09_01.models", "BlobContainer"),
    "microsoft.app/managedenvironments": ("appcontainers.models", "ManagedEnvironment"),
    "microsoft.app/containerapps": ("appcontainers.models", "ContainerApp"),
    "microsoft.authorization/roleassignments": (
        "authorization.v2022_04_01.models", "RoleAssignmentCreateParameters"),
}
KINDS = {"str": str, "int": int, "float": (int, float), "bool": bool}


class Faulty(Exception):
    pass


def parts(key):
    return [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", key)]


def check(module, kind, value, path):
    if isinstance(value, str) and value.startswith("<"):
        return  # known at deployment only
    if kind.startswith("["):
        if not isinstance(value, list):
            raise Faulty(f"{path}: a list is expected, found {value!r}")
        for index, one in enumerate(value):
            check(module, kind[1:-1], one, f"{path}[{index}]")
    elif kind.startswith("{"):
        if not isinstance(value, dict):
            raise Faulty(f"{path}: an object is expected, found {value!r}")
        for name, one in value.items():
            check(module, kind[1:-1], one, f"{path}.{name}")
    elif kind in KINDS:
        if not isinstance(value, KINDS[kind]) or (kind != "bool" and isinstance(value, bool)):
            raise Faulty(f"{path}: {kind} is expected, found {value!r}")
    elif hasattr(module, kind):
        if hasattr(getattr(module, kind), "_attribute_map"):
            check_model(module, getattr(module, kind), value, path)
    elif kind not in ("object", "iso-8601", "duration", "rfc-1123"):
        raise Faulty(f"{path}: the SDK's kind {kind} is not known to this test")


def check_model(module, model, value, path):
    if not isinstance(value, dict):
        raise Faulty(f"{path}: an object is expected, found {value!r}")
    # The kinds of a base class are told apart by one field, as in "type": "Periodic".
    for field, subtypes in getattr(model, "_subtype_map", {}).items():
        key = parts(model._attribute_map[field]["key"])[-1]
        if value.get(key) in subtypes:
            model = getattr(module, subtypes[value[key]])
    tree = {}
    for field, about in model._attribute_map.items():
        *outer, last = parts(about["key"])
        branch = tree
        for part in outer:
            branch = branch.setdefault(part, {})
        branch[last] = (about["type"], model._validation.get(field, {}))

    def walk(branch, value, path):
        for name, one in value.items():
            found = branch.get(name)
            if found is None:
                raise Faulty(f"{path}.{name}: there is no such property; there are {', '.join(sorted(branch))}")
            if isinstance(found, dict):
                walk(found, one, f"{path}.{name}")
                continue
            kind, rules = found
            if rules.get("readonly"):
                raise Faulty(f"{path}.{name}: cannot be set")
            check(module, kind, one, f"{path}.{name}")
            bounded = isinstance(one, (int, float)) and not isinstance(one, bool)
            if bounded and not rules.get("minimum", one) <= one <= rules.get("maximum", one):
                raise Faulty(f"{path}.{name}: {one} is out of {rules}")
        for name, found in branch.items():
            if not isinstance(found, dict) and found[1].get("required") and name not in value:
                constant = found[1].get("constant")
                if not constant:
                    raise Faulty(f"{path}.{name}: is required")

    walk(tree, value, path)


def fault(kind, body):
    """What is wrong with a resource's body (without type, name and scope), None where nothing is."""
    place, name = MODELS[kind.lower()]
    module = importlib.import_module(f"azure.mgmt.{place}")
    try:
        check_model(module, getattr(module, name), body, kind)
    except Faulty as faulty:
        return str(faulty)
    return None
