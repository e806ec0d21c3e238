"""Holds calls of `az` against the argument parser of Debian's azure-cli, and resources against the
models of its SDK; calls nothing.

Run by Debian's own interpreter, which sees those packages: reads {"calls": [[argument, ...], ...],
"resources": [{"type": "Microsoft...", "body": {...}}, ...]} from standard input and prints the same
with what is wrong in the place of each: null where nothing is.
"""

import contextlib
import io
import json
import os
import shutil
import socket
import sys
import tempfile
import types

import resource_models


def no_network(*_arguments, **_options):
    raise OSError("the argument parser wanted the network")


socket.socket.connect = no_network
socket.getaddrinfo = no_network

folder = tempfile.mkdtemp()
os.environ["AZURE_CONFIG_DIR"] = folder
os.environ["AZURE_CORE_COLLECT_TELEMETRY"] = "false"
os.environ["AZURE_CORE_ERROR_RECOMMENDATION"] = "off"  # it asks a service what one may have meant

# The commands of `az keyvault secret` take their arguments from the signatures of a package that
# Debian does not have; the module stands in for it, with those of azure-keyvault 1.1.0.
KEY_VAULT_OPERATIONS = {
    "get_secret": "vault_base_url, secret_name, secret_version",
    "get_secret_versions": "vault_base_url, secret_name, maxresults=None",
    "set_secret": "vault_base_url, secret_name, value, tags=None, content_type=None, secret_attributes=None",
    "update_secret": "vault_base_url, secret_name, secret_version, content_type=None, secret_attributes=None, tags=None",
}


def fill_the_gap_of_key_vault():
    import azure.keyvault

    def module(name, **members):
        made = types.ModuleType(name)
        vars(made).update(members)
        sys.modules[name] = made
        return made

    class KeyVaultClient:
        pass

    for name, parameters in KEY_VAULT_OPERATIONS.items():
        scope = {}
        exec(f"def {name}(self, {parameters}): '''{name}'''", scope)  # a signature to reflect on
        setattr(KeyVaultClient, name, scope[name])
    models = {name: type(name, (), {}) for name in ["SecretAttributes", "KeyVaultErrorException"]}
    client = module("azure.keyvault.v7_0.key_vault_client", KeyVaultClient=KeyVaultClient)
    model = module("azure.keyvault.v7_0.models", **models)
    package = module("azure.keyvault.v7_0", key_vault_client=client, models=model, KeyVaultClient=KeyVaultClient)
    package.__path__ = []
    azure.keyvault.v7_0 = package


class Parser:
    def __init__(self):
        from azure.cli.core import get_default_cli

        self.cli = get_default_cli()
        self.cli.invocation = self.cli.invocation_cls(
            cli_ctx=self.cli,
            parser_cls=self.cli.parser_cls,
            commands_loader_cls=self.cli.commands_loader_cls,
            help_cls=self.cli.help_cls,
        )
        self.invocation = self.cli.invocation
        self.loader = self.invocation.commands_loader
        self.invocation.data["command_string"] = ""
        with contextlib.redirect_stderr(io.StringIO()):
            self.loader.load_command_table(None)
        self.table = dict(self.loader.command_table)
        self.parsers = {}

    def command_of(self, arguments):
        words = []
        for argument in arguments:
            if argument.startswith("-"):
                break
            words.append(argument)
        for count in range(len(words), 0, -1):
            if " ".join(words[:count]) in self.table:
                return " ".join(words[:count])
        return None

    def parser_of(self, command):
        if command not in self.parsers:
            self.invocation.data["command_string"] = command
            self.loader.command_table = {command: self.table[command]}
            self.loader.command_name = command
            self.loader.load_arguments(command)
            parser = self.cli.parser_cls(
                cli_ctx=self.cli, cli_help=self.invocation.help, prog="az",
                parents=[self.invocation._global_parser],
            )
            parser.load_command_table(self.loader)
            self.parsers[command] = parser
        return self.parsers[command]

    def fault(self, arguments):
        """What is wrong with a call, None where nothing is."""
        command = self.command_of(arguments)
        if command is None:
            return "there is no such command"
        try:
            parser = self.parser_of(command)
        except Exception as error:  # some commands cannot be loaded as Debian packages them
            return f"this az cannot load the command: {type(error).__name__}: {error}"
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                parser.parse_args(list(arguments))
        except SystemExit as end:
            return said.getvalue().strip() or f"the parser ended with {end.code}"
        except Exception as error:  # az's own kinds of error
            return f"{type(error).__name__}: {error}"
        # argparse takes an option by any beginning that is unambiguous today.
        known = parser.subparser_map[command]._option_string_actions
        for argument in arguments:
            if argument.startswith("--") and argument.split("=", 1)[0] not in known:
                return f"{argument} is no whole option"
        return None


def main():
    fill_the_gap_of_key_vault()
    parser = Parser()
    asked = json.load(sys.stdin)
    answer = {
        "calls": [parser.fault(call) for call in asked["calls"]],
        "resources": [resource_models.fault(one["type"], one["body"]) for one in asked["resources"]],
    }
    print(json.dumps(answer))


try:
    main()
finally:
    shutil.rmtree(folder, ignore_errors=True)
