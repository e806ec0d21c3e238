"""The document, as its readers need it. Usage: document_test.py FILE, with the validators installed."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.harness import Checks

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def inlined(document, schema):
    """The schema with its references followed, for a validator that knows no document."""
    return {**schema, "components": document["components"]}


def every_object_has_a_name(document, checks):
    """No body and no answer is an object that a client could not name."""
    for name, operation in operations(document):
        contents = [("body", operation.get("requestBody", {}).get("content", {}))]
        contents += [(status, response.get("content", {})) for status, response in operation["responses"].items()]
        for where, content in contents:
            schema = content.get("application/json", {}).get("schema", {})
            checks.check(f"{name}: {where} has a name", "properties" not in schema, json.dumps(schema)[:200])


def everything_is_described(document, checks):
    for tag in document["tags"]:
        checks.check(f"tag {tag['name']} is described", tag.get("description"), str(tag))
    for name, operation in operations(document):
        checks.check(f"{name} has a summary", operation["summary"].endswith("."), operation["summary"])
        for parameter in operation.get("parameters", []):
            checks.check(f"{name}: {parameter['name']} is described", parameter.get("description"), str(parameter))
    for name, schema in document["components"]["schemas"].items():
        undescribed = [key for key, value in schema.get("properties", {}).items() if not value.get("description")]
        if "allOf" not in schema:  # a problem, whose status and code speak for themselves
            checks.check(f"each field of {name} is described", not undescribed, str(undescribed))


def every_problem_has_a_code(document, checks):
    schemas = document["components"]["schemas"]
    seen = {}
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            schema = response.get("content", {}).get("application/problem+json", {}).get("schema")
            if schema is None:
                checks.check(f"{name}: {status} is no failure without a problem", int(status) < 400 or int(status) == 422)
                continue
            for one in schema.get("oneOf", [schema]):
                problem = schemas[one["$ref"].rpartition("/")[2]]["properties"]
                checks.check(f"{name}: {status} says its code", problem["status"]["const"] == int(status), str(problem))
                seen[problem["code"]["const"]] = int(status)
    checks.check("problems were seen", len(seen) > 5, str(seen))


def examples_fit(document, checks):
    seen = 0
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" not in content:
                continue
            seen += 1
            faults = list(Draft202012Validator(inlined(document, content["schema"])).iter_errors(content["example"]))
            checks.check(f"{name}: the example fits", not faults, str(faults)[:500])
    checks.check("there are examples", seen > 0)


def main():
    document, checks = json.loads(pathlib.Path(sys.argv[1]).read_text()), Checks()
    faults = list(OpenAPIV31SpecValidator(document).iter_errors())
    checks.check("the document is OpenAPI 3.1", not faults, "\n".join(map(str, faults))[:4000])
    for name, schema in document["components"]["schemas"].items():
        checks.run(f"{name} is JSON Schema", Draft202012Validator.check_schema, schema)
    for test in (every_object_has_a_name, everything_is_described, every_problem_has_a_code, examples_fit):
        test(document, checks)
    checks.close()


main()
