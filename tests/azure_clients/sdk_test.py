"""Runs inside the environment of run.py: azure-identity and azure-keyvault-secrets, unchanged but
for where connections lead and which authority is trusted, as `connect_to` and `ca_file` have it."""

import contextlib
import datetime
import os
import pathlib
import sys
import time

import urllib3.util.connection

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.azure_standin import AzureStandIn
from support.harness import Checks, build_folder

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import HttpChallengeCache

SECRET = "mongodb-connection-string"
SCOPE = "https://vault.azure.net/.default"
OURS = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "GESSO_")


def lead_connections(connect_to):
    """What curl's CONNECT_TO does: names stay, addresses change; all else goes nowhere."""
    ways = {}
    for way in connect_to.split(","):
        host, port, address, new_port = way.split(":")
        ways[host, int(port)] = address, int(new_port)
    connect = urllib3.util.connection.create_connection

    def led(address, *arguments, **options):
        if address not in ways and address[0] != "127.0.0.1":
            raise OSError(f"a connection to {address}")
        return connect(ways.get(address, address), *arguments, **options)

    urllib3.util.connection.create_connection = led


@contextlib.contextmanager
def environment(variables):
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(OURS):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def raises(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), f"no {text!r} in {error}"
        return error
    raise AssertionError(f"nothing was raised where {text!r} was expected")


class Sdk:
    def __init__(self, azure):
        self.azure = azure
        self.trust = {"connection_verify": azure.told["ca_file"]}

    def variables(self, identity):
        return self.azure.told["environments"][identity]

    def client(self, credential, **options):
        return SecretClient(self.azure.told["vault_url"], credential, **self.trust, **options)

    def client_secret(self, **options):
        variables = {**self.variables("client_secret"), **options}
        return ClientSecretCredential(
            variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"], variables["AZURE_CLIENT_SECRET"], **self.trust
        )

    # Each reads the secret with another credential.

    def reads_with(self, credential, issuer):
        tokens = self.azure(counts=True)["tokens"][issuer]
        secret = self.client(credential).get_secret(SECRET)
        assert secret.value == "mongodb://one", secret.value
        assert self.azure(counts=True)["tokens"][issuer] == tokens + 1

    def by_client_secret(self):
        self.reads_with(self.client_secret(), "entra")

    def by_certificate(self):
        variables = self.variables("client_certificate")
        self.reads_with(
            CertificateCredential(
                variables["AZURE_TENANT_ID"],
                variables["AZURE_CLIENT_ID"],
                variables["AZURE_CLIENT_CERTIFICATE_PATH"],
                **self.trust,
            ),
            "entra",
        )

    def by_workload_identity(self):
        with environment(self.variables("workload_identity")):
            self.reads_with(WorkloadIdentityCredential(**self.trust), "entra")

    def by_environment(self):
        with environment(self.variables("client_secret")):
            self.reads_with(DefaultAzureCredential(**self.trust), "entra")

    def by_app_service(self):
        with environment(self.variables("app_service")):
            self.reads_with(ManagedIdentityCredential(), "app_service")

    def by_virtual_machine(self):
        with environment(self.variables("imds")):
            self.reads_with(ManagedIdentityCredential(), "imds")

    def by_arc(self):
        import azure.identity._credentials.azure_arc
        import msal.managed_identity

        # The agent's folder is fixed in the SDK; the stand-in's is another.
        folder = self.azure.told["arc_folder"]
        msal.managed_identity._supported_arc_platforms_and_their_prefixes["linux"] = folder
        azure.identity._credentials.azure_arc._get_key_file_path = lambda: folder
        with environment(self.variables("arc")):
            self.reads_with(ManagedIdentityCredential(), "arc")

    def by_user_assigned(self):
        identity = {"client_id": "5e0f", "object_id": "7d1c", "resource_id": "/subscriptions/s/mine"}
        self.azure(add_user_assigned=identity)
        chosen = [
            {"client_id": "5e0f"},
            {"identity_config": {"object_id": "7d1c"}},
            {"identity_config": {"resource_id": "/subscriptions/s/mine"}},
        ]
        for platform in ("app_service", "imds", "arc"):
            with environment(self.variables(platform)):
                for options in chosen:
                    token = ManagedIdentityCredential(**options).get_token(SCOPE).token
                    issued = self.azure(tokens_issued=True)["tokens"][-1]
                    assert (issued["value"], issued["client_id"]) == (token, "5e0f"), (platform, options)

    # What the endpoints give and refuse.

    def lifetimes(self):
        self.azure(token_life=3600)
        for identity in ("app_service", "imds"):
            with environment(self.variables(identity)):
                left = ManagedIdentityCredential().get_token(SCOPE).expires_on - time.time()
                assert 3500 < left <= 3601, (identity, left)
        left = self.client_secret().get_token(SCOPE).expires_on - time.time()
        assert 3500 < left <= 3601, left
        self.azure(token_life=86400)

    def wrong_secret(self):
        credential = self.client_secret(AZURE_CLIENT_SECRET="wrong")
        raises(ClientAuthenticationError, "AADSTS7000215", lambda: credential.get_token(SCOPE))

    def wrong_tenant(self):
        credential = self.client_secret(AZURE_TENANT_ID="00000000-1111-2222-3333-444444444444")
        raises((ClientAuthenticationError, ValueError), "tenant", lambda: credential.get_token(SCOPE))

    def wrong_identity_header(self):
        with environment({**self.variables("app_service"), "IDENTITY_HEADER": "wrong"}):
            credential = ManagedIdentityCredential()
            raises(ClientAuthenticationError, "X-IDENTITY-HEADER", lambda: credential.get_token(SCOPE))

    def versions(self):
        client = self.client(self.client_secret())
        made = [self.azure(set_secret={"name": "many", "value": str(n)})["version"] for n in range(30)]
        assert client.get_secret("many").properties.version == made[-1]
        assert client.get_secret("many", made[3]).value == "3"
        listed = list(client.list_properties_of_secret_versions("many"))
        assert sorted(one.version for one in listed) == sorted(made)
        assert all(one.enabled for one in listed)
        now = datetime.datetime.now(datetime.timezone.utc)
        assert abs(now - listed[0].created_on) < datetime.timedelta(minutes=1)

    def refusals(self):
        client = self.client(self.client_secret(), retry_total=0)
        raises(ResourceNotFoundError, "SecretNotFound", lambda: client.get_secret("nothing"))
        self.azure(set_secret={"name": "off", "value": "x", "expires": 2000000000})
        assert client.get_secret("off").properties.expires_on.timestamp() == 2000000000
        self.azure(disable={"name": "off"})
        error = raises(HttpResponseError, "disabled secret", lambda: client.get_secret("off"))
        assert (error.status_code, error.error.code) == (403, "Forbidden")
        assert error.error.innererror["code"] == "SecretDisabled"
        for refusal, code in (("rbac", "ForbiddenByRbac"), ("firewall", "ForbiddenByFirewall")):
            self.azure(refuse_identity=refusal)
            error = raises(HttpResponseError, "Forbidden", lambda: client.get_secret(SECRET))
            assert error.error.innererror["code"] == code, error.error.innererror
        self.azure(refuse_identity="none")
        self.azure(refuse_tokens=True)
        raises(ClientAuthenticationError, "Unauthorized", lambda: client.get_secret(SECRET))
        self.azure(refuse_tokens=False)

    def throttling(self):
        client = self.client(self.client_secret(), retry_backoff_factor=0.001)
        client.get_secret(SECRET)
        before = self.azure(counts=True)["requests"]["vault"]
        self.azure(fault={"server": "vault", "status": 429, "count": 2})
        self.azure(fault={"server": "vault", "status": 503, "retry_after": 0, "count": 1})
        assert client.get_secret(SECRET).value == "mongodb://one"
        assert self.azure(counts=True)["requests"]["vault"] == before + 4

    def hostile_challenge(self):
        authorization = "https://login.microsoftonline.com/" + self.azure.told["tenant"]
        self.azure(challenge={"authorization": authorization, "resource": "https://management.azure.com"})
        HttpChallengeCache.clear()  # it remembers the challenge of before for the whole process
        client = self.client(self.client_secret())
        raises(ValueError, "does not match the requested domain", lambda: client.get_secret(SECRET))
        self.azure(challenge=None)

    def certificate(self):
        client = SecretClient(self.azure.told["vault_url"], self.client_secret(), retry_total=0)
        raises(ServiceRequestError, "certificate verify failed", lambda: client.get_secret(SECRET))


def main():
    checks = Checks()
    with AzureStandIn(build_folder()) as azure:
        lead_connections(azure.told["connect_to"])
        azure(set_secret={"name": SECRET, "value": "mongodb://one"})
        sdk = Sdk(azure)
        for check in [
            sdk.by_client_secret,
            sdk.by_certificate,
            sdk.by_workload_identity,
            sdk.by_environment,
            sdk.by_app_service,
            sdk.by_virtual_machine,
            sdk.by_arc,
            sdk.by_user_assigned,
            sdk.lifetimes,
            sdk.wrong_secret,
            sdk.wrong_tenant,
            sdk.wrong_identity_header,
            sdk.versions,
            sdk.refusals,
            sdk.throttling,
            sdk.hostile_challenge,
            sdk.certificate,
        ]:
            checks.run(check.__name__, check)
    checks.close()


main()
