#!/usr/bin/env python3
"""`gesso serve` and a vault that is down, slow, throttling, wrong, or holds what is of no use.

Everything that a debug-level run prints, its metrics and its settings are searched for the secrets
that were used.
"""

import contextlib
import http.client
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.azure_standin import AzureStandIn
from support.harness import Checks, build_folder, program
from support.vaulted import (
    LISTENING, SECRET, Client, environment, localdb, log_text, metrics, reexec_with_pymongo, until,
)

PERSON = {"email": "ann@example.com", "password": "correct horse battery"}
LISTENS = r"listening on 127\.0\.0\.1:(\d+)"


class World:
    """What the scenarios share: one database, one stand-in; each scenario has a service of its own."""

    def __init__(self, build, folder, azure, database):
        self.build, self.folder, self.azure, self.database = build, pathlib.Path(folder), azure, database
        self.good = database.create("good")
        self.number = 0
        self.printed = ""  # all that the services printed and answered

    def publish(self, value):
        return self.azure(set_secret={"name": SECRET, "value": value})["version"]

    @contextlib.contextmanager
    def serve(self, identity="app_service", **more):
        """A service; yields (client, process) as soon as it listens."""
        self.number += 1
        folder = self.folder / f"serve{self.number}"
        folder.mkdir()
        variables = environment(self.azure, identity, GESSO_LOG_LEVEL="debug", **more)
        with program([self.build / "gesso", "serve"], LISTENS, env=variables, cwd=folder) as (process, match):
            client = Client(int(match.group(1)))
            try:
                yield client, process
                _, text = client("GET", "/metrics")
                self.printed += str(text) + str(client("GET", "/readyz"))
                self.printed += subprocess.run(
                    [self.build / "gesso", "config", "--about"],
                    env=variables, cwd=folder, capture_output=True, text=True, check=True,
                ).stdout
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
            except BaseException:
                print(log_text(process)[-6000:], flush=True)
                raise
            finally:
                self.printed += log_text(process)

    def counts(self):
        return self.azure(counts=True)


def readiness(client):
    status, body = client("GET", "/readyz")
    return status, body.get("secret", {}), body


def ready(client):
    until(lambda: readiness(client)[0] == 200, "the service is ready")


def problem(client):
    return readiness(client)[1].get("problem") or ""


def works(client):
    status, body = client("POST", "/api/v1/auth/register", {**PERSON, "email": f"ann{id(client)}@example.com"})
    assert status in (201, 409), body


def starts_with_each_identity(world):
    """A vault and the platform's variables, and nothing else."""
    world.publish(world.good)
    for identity in ("app_service", "imds", "client_secret", "client_certificate", "workload_identity"):
        with world.serve(identity) as (client, _):
            ready(client)
            works(client)


def a_vault_that_is_down_at_the_start(world):
    world.publish(world.good)
    world.azure(down="vault")
    with world.serve() as (client, process):
        until(lambda: problem(client), "readiness says why")
        status, secret, body = readiness(client)
        assert status == 503 and secret["state"] == "waiting for the vault", body
        assert secret["version"] is None, body
        assert client("GET", "/healthz")[0] == 200
        status, text = client("GET", "/metrics")
        assert status == 200 and 'gesso_secret_state{state="waiting for the vault"} 1' in text, text
        assert "gesso_database_workers" not in text, text
        status, body = client("GET", "/api/v1/users/me")
        assert status == 503 and body["status"] == 503, body
        world.azure(up="vault")
        ready(client)
        works(client)
        text = log_text(process)
        assert text.count("waiting for the vault") <= 2, "the log tells each attempt"


def a_signal_ends_the_wait(world):
    world.azure(down="vault")
    try:
        with world.serve() as (client, process):
            until(lambda: problem(client), "readiness says why")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            raise EndedEarly
    except EndedEarly:
        pass
    finally:
        world.azure(up="vault")


def a_database_that_falls_silent(world):
    """Readiness says so within its two seconds, with the secret's state; a signal ends the service
    in its own time, though a request's and the rotation's connections hang for longer."""
    world.publish(world.good)
    database = world.database.process
    for rotating in (False, True):
        try:
            with world.serve(GESSO_DRAIN_TIMEOUT="1s") as (client, process):
                ready(client)
                applies = metrics(client)["gesso_secret_applies_total"]
                database.send_signal(signal.SIGSTOP)
                until(lambda: readiness(client)[0] == 503, "the database has stopped")
                status, secret, body = readiness(client)
                assert status == 503 and secret["version"], body
                assert "does not answer" in body["detail"], body
                if rotating:
                    reads = metrics(client)["gesso_secret_reads_total"]
                    world.publish(world.good)
                    until(lambda: metrics(client)["gesso_secret_reads_total"] > reads, "the new version is read")
                    assert metrics(client)["gesso_secret_applies_total"] == applies, "it was tried already"
                else:
                    threading.Thread(target=asks_in_vain, args=(client.port,), daemon=True).start()
                    until(lambda: metrics(client)["gesso_database_busy"] >= 1, "a request is in work")
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
                took = time.monotonic() - began
                assert took < 10, f"it took {took:.1f} s to end"
                raise EndedEarly
        except EndedEarly:
            pass
        finally:
            database.send_signal(signal.SIGCONT)


def asks_in_vain(port):
    with contextlib.suppress(OSError, http.client.HTTPException):
        Client(port)("POST", "/api/v1/auth/login", PERSON)


class EndedEarly(Exception):
    """The service was ended by the scenario."""


def a_vault_that_fails_later(world):
    """Down, slow, throttling, garbage: nobody notices; and the rotation is there when it is back."""
    faults = [
        {"kind": "status", "status": 429}, {"kind": "status", "status": 429, "retry_after": 1},
        {"kind": "status", "status": 503}, {"kind": "garbage"}, {"kind": "cut"},
        {"kind": "body", "body": "<html>not JSON</html>"}, {"kind": "oversized", "bytes": 2_000_000},
    ]
    world.publish(world.good)
    with world.serve() as (client, _):
        ready(client)
        for fault in [None, *faults]:
            before = metrics(client)
            if fault is None:
                world.azure(down="vault")
            else:
                world.azure(fault={"server": "vault", **fault})
            until(
                lambda: metrics(client)["gesso_secret_read_failures_total"]
                > before["gesso_secret_read_failures_total"],
                f"a read fails by {fault}",
            )
            status, secret, body = readiness(client)
            assert status == 200 and secret["problem"], body
            works(client)
            world.azure(up="vault") if fault is None else world.azure(heal="vault")
            version = world.publish(world.good)
            until(lambda: readiness(client)[1]["version"] == version, f"the rotation after {fault}")
        assert metrics(client)["gesso_secret_stale_seconds"] == 0


def a_slow_vault(world):
    world.publish(world.good)
    world.azure(fault={"server": "vault", "kind": "delay", "milliseconds": 1500})
    with world.serve() as (client, _):
        assert client("GET", "/healthz")[0] == 200
        ready(client)
        works(client)
    world.azure(heal="vault")


def a_secret_that_is_no_connection_string(world):
    world.publish("hunter2-is-no-connection-string")
    with world.serve() as (client, _):
        until(lambda: problem(client), "readiness says why")
        assert "hunter2" not in str(readiness(client)), readiness(client)
        world.publish(world.good)
        ready(client)


def credentials_that_are_refused_at_the_start(world):
    password = world.database.password()
    world.publish(world.database.uri("late", password))
    with world.serve() as (client, _):
        until(lambda: "Authentication failed" in problem(client), "readiness says why")
        assert readiness(client)[0] == 503
        world.database.admin.command("createUser", "late", pwd=password, roles=["readWriteAnyDatabase"])
        ready(client)
        works(client)


def a_secret_that_names_another_server(world):
    """Its indexes are made before anybody uses it, the unique one of emails among them."""
    world.publish(world.good)
    with world.serve() as (client, _), tempfile.TemporaryDirectory() as folder, localdb(world.build, folder) as other:
        ready(client)
        version = world.publish(other.create("elsewhere"))
        until(lambda: readiness(client)[1]["version"] == version, "the other server is in use")
        indexes = other.admin.client["imagegenerator"].users.index_information()
        assert any(one.get("unique") and one["key"] == [("email", 1)] for one in indexes.values()), indexes
        works(client)
        world.database.told += other.told
        version = world.publish(world.good)
        until(lambda: readiness(client)[1]["version"] == version, "the first server is in use again")


def a_bad_secret_hammers_nobody(world):
    """The old pool goes on; tries come ever slower."""
    version = world.publish(world.good)
    with world.serve(GESSO_KEY_VAULT_POLL_INTERVAL="300s") as (client, _):
        ready(client)
    with world.serve() as (client, _):
        ready(client)
        world.publish(world.database.uri("nobody", world.database.password()))
        until(lambda: metrics(client)["gesso_secret_refusals_total"] >= 3, "the new secret is refused")
        before = metrics(client)
        works(client)
        status, secret, body = readiness(client)
        assert status == 200 and secret["state"] == "new secret refused" and secret["version"] == version, body
        assert secret["problem"], body
        # 250 ms doubles: in the time of the next two tries there are at most as many reads.
        until(
            lambda: metrics(client)["gesso_secret_applies_total"] >= before["gesso_secret_applies_total"] + 2,
            "two more tries",
        )
        after = metrics(client)
        reads = after["gesso_secret_reads_total"] - before["gesso_secret_reads_total"]
        assert reads <= 8, f"{reads} reads for two tries"
        world.publish(world.good)
        until(lambda: readiness(client)[1]["problem"] is None, "the good one is taken")


def a_disabled_secret(world):
    world.publish(world.good)
    with world.serve() as (client, _):
        ready(client)
        world.azure(disable={"name": SECRET})
        until(lambda: "disabled" in problem(client).lower(), "readiness says that it is disabled")
        works(client)
        world.azure(enable={"name": SECRET})
        until(lambda: not problem(client), "all is well again")


def missing_role_and_firewall(world):
    world.publish(world.good)
    for reason, word in (("rbac", "role"), ("firewall", "firewall")):
        world.azure(refuse_identity=reason)
        with world.serve() as (client, _):
            until(lambda: word in problem(client).lower(), f"readiness speaks of the {word}")
            world.azure(refuse_identity="none")
            ready(client)


def other_commands_read_the_vault_once(world):
    world.publish(world.good)
    variables = environment(world.azure, GESSO_LOG_LEVEL="debug")
    for command in (["init-db", "--plan"], ["init-db"], ["stats", "--json"]):
        done = subprocess.run(
            [world.build / "gesso", *command], env=variables, cwd=world.folder, capture_output=True, text=True
        )
        world.printed += done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
    url = variables.pop("GESSO_KEY_VAULT_URL")
    done = subprocess.run(
        [world.build / "gesso", "stats", "--key-vault-url", url],
        env=variables, cwd=world.folder, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    variables["GESSO_KEY_VAULT_URL"] = url
    world.azure(refuse_identity="rbac")
    done = subprocess.run(
        [world.build / "gesso", "stats"], env=variables, cwd=world.folder, capture_output=True, text=True
    )
    world.azure(refuse_identity="none")
    world.printed += done.stdout + done.stderr
    assert done.returncode == 3 and "role" in done.stderr.lower(), done.stderr


def settings_that_cannot_be_right(world):
    cases = [
        ({"GESSO_KEY_VAULT_URL": "https://evilvault.azure.net"}, "evilvault.azure.net"),
        ({"GESSO_KEY_VAULT_URL": "http://myvault.vault.azure.net"}, "https"),
        ({"GESSO_KEY_VAULT_URL": "https://myvault.vault.azure.net.evil.com"}, "evil.com"),
        ({"GESSO_MONGODB_URI": "mongodb://127.0.0.1/"}, "both set"),
        ({"GESSO_MONGODB_SECRET": "no/slash"}, "mongodb_secret"),
        ({"GESSO_AZURE_CREDENTIAL": "Telepathy"}, "EnvironmentCredential"),
        ({"GESSO_AZURE_CA_FILE": "/nowhere.pem"}, "/nowhere.pem"),
        ({"GESSO_AZURE_CONNECT_TO": "nonsense"}, "nonsense"),
        ({"GESSO_AZURE_MANAGED_IDENTITY": "me"}, "client_id=ID"),
    ]
    for more, word in cases:
        done = subprocess.run(
            [world.build / "gesso", "serve"],
            env=environment(world.azure, **more), cwd=world.folder, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 2 and word in done.stderr, (more, done)


def tokens_issued(world):
    (tokens,) = (value for value in world.azure(tokens_issued=True).values() if isinstance(value, list))
    assert tokens
    return tokens


def nothing_leaked(world):
    told = [
        *world.database.told, *(token["value"] for token in tokens_issued(world)),
        *(value for name in ("app_service", "client_secret")
          for key, value in world.azure.told["environments"][name].items()
          if key in ("IDENTITY_HEADER", "AZURE_CLIENT_SECRET")),
        *(path.read_text().strip() for path in world.folder.rglob("token*key*") if path.is_file()),
        "hunter2",
    ]
    assert len(world.printed) > 20_000 and "debug" in world.printed, "too little was printed to tell"
    for secret in told:
        assert len(secret) >= 7
        for form in (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret)):
            at = world.printed.find(form)
            assert at < 0, f"a secret was printed: ...{world.printed[max(0, at - 200):at]}<it>"


def main():
    reexec_with_pymongo()
    build, checks = build_folder(), Checks()
    with tempfile.TemporaryDirectory() as folder, localdb(build, folder) as database, AzureStandIn(build) as azure:
        world = World(build, folder, azure, database)
        for scenario in (
            starts_with_each_identity, a_vault_that_is_down_at_the_start, a_signal_ends_the_wait,
            a_database_that_falls_silent,
            a_vault_that_fails_later, a_slow_vault, a_secret_that_is_no_connection_string,
            credentials_that_are_refused_at_the_start, a_secret_that_names_another_server, a_bad_secret_hammers_nobody, a_disabled_secret,
            missing_role_and_firewall, other_commands_read_the_vault_once, settings_that_cannot_be_right,
            nothing_leaked,
        ):
            checks.run(scenario.__name__, scenario, world)
    checks.close()


main()
