"""Reads a Bicep file with a published grammar of Bicep and evaluates what its resources would be.

    python bicep_eval.py FILE < parameters.json

Prints {"faults": [...], "parameters": {...}, "resources": [...]}: no compiler, but names that nobody
declares, parameters that are missing or not allowed, and unknown functions are found. What is known at
deployment only stands as "<expression>".
"""

import json
import pathlib
import sys

import tree_sitter
import tree_sitter_bicep

# What stands between the functions of the language and their deployment-time results.
DEPLOYMENT = {"guid", "resourceGroup", "subscription", "subscriptionResourceId", "substring", "length", "tenant"}
KNOWN = {"concat", "union", "empty", "json"} | DEPLOYMENT
DECORATORS = {"description", "secure", "minLength", "maxLength", "minValue", "maxValue", "allowed", "batchSize"}


class Unknown(str):
    """An expression that deployment decides."""


class Bicep:
    def __init__(self, text, given):
        language = tree_sitter.Language(tree_sitter_bicep.language())
        self.root = tree_sitter.Parser(language).parse(text).root_node
        self.given = given
        self.faults = []
        self.scope = {}
        self.symbols = {}  # of resources
        self.parameters = {}
        self.resources = []
        self.used = set()

    def fault(self, node, what):
        self.faults.append(f"line {node.start_point[0] + 1}: {what}")

    def text(self, node):
        return node.text.decode()

    def syntax(self, node):
        if node.type == "ERROR" or node.is_missing:
            self.fault(node, f"does not parse: {self.text(node)[:60]!r}")
        for child in node.children:
            self.syntax(child)

    # --- expressions ---

    def value(self, node, scope):
        kind = node.type
        parts = [child for child in node.named_children if child.type != "comment"]
        if kind == "object":
            made = {}
            for one in parts:
                if one.type == "object_property":
                    key, value = [child for child in one.named_children if child.type != "comment"]
                    name = self.text(key) if key.type == "identifier" else self.value(key, scope)
                    if name in made:
                        self.fault(one, f"{name} is there twice")
                    made[str(name)] = self.value(value, scope)
            return made
        if kind == "array":
            return [self.value(one, scope) for one in parts]
        if kind == "string":
            pieces = [
                str(self.value(one.named_children[0], scope)) if one.type == "interpolation" else self.escaped(one)
                for one in parts
            ]
            return "".join(pieces)
        if kind == "number":
            return int(self.text(node))
        if kind == "boolean":
            return self.text(node) == "true"
        if kind == "null":
            return None
        if kind == "identifier":
            return self.name(node, scope)
        if kind == "parenthesized_expression":
            return self.value(parts[0], scope)
        if kind == "ternary_expression":
            condition, then, otherwise = [self.value(one, scope) for one in parts]
            return then if condition else otherwise
        if kind == "binary_expression" and "==" in [child.type for child in node.children]:
            return self.value(parts[0], scope) == self.value(parts[1], scope)
        if kind == "binary_expression":
            for one in parts:
                self.value(one, scope)
            return Unknown(f"<{self.text(node)}>")
        if kind in ("member_expression", "subscript_expression"):
            base = self.value(parts[0], scope)
            if isinstance(base, dict):
                return base[self.text(parts[1])]
            return Unknown(f"<{self.text(node)}>")
        if kind == "call_expression":
            return self.call(node, parts, scope)
        self.fault(node, f"a {kind} is not known to this test")
        return None

    def escaped(self, node):
        text = self.text(node)
        return text.replace("\\'", "'") if node.type == "string_content" else {"\\'": "'"}.get(text, text)

    def name(self, node, scope):
        name = self.text(node)
        self.used.add(name)
        if name in scope:
            return scope[name]
        if name in self.symbols:
            return Unknown(f"<{name}>")
        self.fault(node, f"nothing declares {name}")
        return None

    def call(self, node, parts, scope):
        function, arguments = parts[0], [one for one in parts[1].named_children if one.type != "comment"]
        values = [self.value(one, scope) for one in arguments]
        if function.type == "member_expression":
            self.value(function, scope)
            return Unknown(f"<{self.text(node)}>")
        name = self.text(function)
        if name not in KNOWN:
            self.fault(node, f"there is no function {name} (known to this test)")
        if name == "concat":
            return [one for values_ in values for one in values_]
        if name == "union":
            return {key: value for one in values for key, value in one.items()}
        if name == "empty":
            return not values[0]
        if name == "json":
            return json.loads(values[0])
        return Unknown(f"<{self.text(node)}>")

    # --- declarations ---

    def run(self):
        self.syntax(self.root)
        if self.faults:
            return
        nodes = [node for node in self.root.named_children if node.type != "comment"]
        for node in nodes:
            if node.type == "resource_declaration":
                self.symbols[self.text(node.named_children[0])] = node
        decorators = {}
        for node in nodes:
            if node.type == "decorators":
                decorators = self.decorators(node)
                continue
            if node.type == "parameter_declaration":
                self.parameter(node, decorators)
            elif node.type == "variable_declaration":
                name, value = node.named_children
                self.scope[self.text(name)] = self.value(value, self.scope)
            decorators = {}
        for node in nodes:
            if node.type == "resource_declaration":
                self.resource(node)
            elif node.type == "output_declaration":
                self.value(node.named_children[-1], self.scope)
        for name in [*self.parameters, *[n for n in self.scope if n not in self.parameters]]:
            if name not in self.used:
                self.faults.append(f"{name} is declared and never used")
        for name in set(self.given) - set(self.parameters):
            self.faults.append(f"there is no parameter {name}")

    def decorators(self, node):
        found = {}
        for one in node.named_children:
            call = one.named_children[0]
            name = self.text(call.named_children[0])
            if name not in DECORATORS:
                self.fault(one, f"there is no decorator {name}")
            arguments = [self.value(value, {}) for value in call.named_children[1].named_children]
            found[name] = arguments[0] if arguments else True
        return found

    def parameter(self, node, decorators):
        children = node.named_children
        name = self.text(children[0])
        if "description" not in decorators:
            self.fault(node, f"{name} has no description")
        fallback = self.value(children[2], self.scope) if len(children) > 2 else None
        if name in self.given:
            value = self.given[name]
        elif len(children) > 2:
            value = fallback
        else:
            self.fault(node, f"{name} is not given")
            value = None
        if "allowed" in decorators and value not in decorators["allowed"]:
            self.fault(node, f"{name}: {value!r} is none of {decorators['allowed']}")
        self.scope[name] = value
        self.parameters[name] = {"needed": len(children) == 2, "secure": "secure" in decorators, "value": value}

    def resource(self, node):
        children = node.named_children
        symbol, kind = self.text(children[0]), self.value(children[1], self.scope)
        body = children[-1]
        existing = any(child.type == "existing" or self.text(child) == "existing" for child in node.children[:4])
        loops = [{}]
        if body.type == "for_statement":
            name, over, body = body.named_children
            loops = [{self.text(name): one} for one in self.value(over, self.scope)]
        condition = None
        if body.type == "if_statement":
            condition, body = body.named_children
        for loop in loops:
            scope = {**self.scope, **loop}
            made = self.value(body, scope)
            if condition is not None and not self.value(condition, scope):
                continue
            name, api = kind.split("@")
            self.resources.append({"symbol": symbol, "type": name, "api": api, "existing": existing, "body": made})


def main():
    bicep = Bicep(pathlib.Path(sys.argv[1]).read_bytes(), json.load(sys.stdin))
    bicep.run()
    print(json.dumps({"faults": bicep.faults, "parameters": bicep.parameters, "resources": bicep.resources}))


main()
