#!/usr/bin/env python3
"""No secret at all: `gesso localdb` as Azure DocumentDB with an issuer of this test's, pymongo's own
MONGODB-OIDC at it, and `gesso serve` and `gesso doctor` there by the identity of a pretended App Service,
whose tokens live for seconds. PyJWT signs the tokens, so that no code of ours is on both sides."""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.app_service import app_service
from support.harness import Checks, build_folder, program
from support.venv import python_with

PACKAGES = ("pymongo==4.15.4", "PyJWT[crypto]==2.10.1")
ISSUER = "https://sts.windows.net/33333333-4444-5555-6666-777777777777/"
RESOURCE = "https://ossrdbms-aad.database.windows.net"
OID = "11111111-2222-3333-4444-555555555555"
CLIENT = "99999999-2222-3333-4444-555555555555"
LIFE = 5


def reexec():
    try:
        import jwt  # noqa: F401
    except ImportError:
        python = python_with(*PACKAGES)
        os.execv(python, [str(python), *sys.argv])


class Issuer:
    """A key, its JWKS file, and tokens."""

    def __init__(self, folder):
        import jwt
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.key_file, self.jwks_file = f"{folder}/key.pem", f"{folder}/jwks.json"
        pathlib.Path(self.key_file).write_text(self.pem)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        pathlib.Path(self.jwks_file).write_text(json.dumps({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}))

    def token(self, audience, life):
        import jwt

        end = int(time.time()) + life
        claims = {"iss": ISSUER, "aud": audience, "oid": OID, "tid": ISSUER.split("/")[3], "exp": end}
        return jwt.encode(claims, self.pem, algorithm="RS256", headers={"kid": "k1"}), end


@contextlib.contextmanager
def documentdb(build, folder, issuer):
    command = [build / "gesso", "localdb", "--dialect", "documentdb", "--listen", "localhost:0", "--tls", "self-signed",
               "--data-dir", f"{folder}/db", "--oidc-issuer", ISSUER, "--oidc-jwks", issuer.jwks_file, "--oidc-skew", "0"]
    with program(command, r"mongodb://(localhost:\d+)/\?tls=true[\s\S]*end    Ctrl-C") as (_, match):
        yield match.group(1)


def settings(folder, host, identity):
    foreign = ("GESSO_", "AZURE_", "IDENTITY_", "IMDS_", "MSI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign) and not name.lower().endswith("_proxy")}
    uri = (f"mongodb://{CLIENT}@{host}/?tls=true&authMechanism=MONGODB-OIDC&retrywrites=false&maxIdleTimeMS=120000"
           f"&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:{RESOURCE}")
    return {**kept, **identity.environment(), "GESSO_MONGODB_URI": uri, "GESSO_MONGODB_TLS_CA_FILE": f"{folder}/db/tls-ca.pem",
            "GESSO_LISTEN": "127.0.0.1:0", "GESSO_DATA_DIR": f"{folder}/serve", "GESSO_BCRYPT_ROUNDS": "4",
            "GESSO_LIMITS": "*.* = unlimited"}


def doctor(build, environment, folder):
    import subprocess

    done = subprocess.run([build / "gesso", "doctor", "--json"], env=environment, cwd=folder, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def serves(build, environment, folder, identity):
    """For five lives of a token, from eight connections, nothing fails."""
    from support.vaulted import LISTENING, Client, log_text

    with program([build / "gesso", "serve"], LISTENING, env=environment, cwd=folder) as (process, match):
        port = int(match.group(1))
        person = {"email": "ann@example.com", "password": "correct horse battery"}
        first = Client(port)
        assert first("POST", "/api/v1/auth/register", person)[0] == 201
        token = first("POST", "/api/v1/auth/login", person)[1]["access_token"]
        failures, done = [], [0] * 8
        end = time.monotonic() + 5 * LIFE

        def work(number):
            client = Client(port)
            while time.monotonic() < end:
                request = ("GET", "/api/v1/users/me") if number % 2 else ("PATCH", "/api/v1/users/me", {"settings": {"n": done[number]}})
                status, body = client(*request, token=token)
                done[number] += 1
                if status != 200:
                    failures.append((status, body))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(done))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, f"{failures[:5]}\n{log_text(process)[-3000:]}"
        print(f"report: {sum(done)} requests over {5 * LIFE} s with tokens of {LIFE} s: 0 failed, {len(identity.asked)} tokens asked for")
        text = log_text(process)
        assert "eyJ" not in text, "a token stands in the log"


def database(checks, build, folder, issuer, host):
    with app_service(lambda resource: issuer.token(resource, LIFE)) as identity:
        environment = settings(folder, host, identity)
        checks.run("gesso serve works by tokens, and nobody notices their ends", serves, build, environment, folder, identity)
        asked = identity.asked[0] if identity.asked else {}
        checks.check("the token is for the database, of the identity that the string names",
                     asked.get("resource") == RESOURCE and asked.get("client_id") == CLIENT, asked)
        status, said = doctor(build, environment, folder)
        checks.check("doctor says that tokens log in", status == 0 and "by access tokens (MONGODB-OIDC), no secret: " in said, said)
        identity.token_of = lambda _: issuer.token("https://vault.azure.net", LIFE)
        status, said = doctor(build, environment, folder)
        checks.check("doctor says what to do where they are refused",
                     status != 0 and "Invalid audience claim." in said and "deploy/azure/documentdb.sh --principal" in said, said)
        checks.check("doctor shows no token", "eyJ" not in said, said)


def platform(issuer):
    """The stand-in is as strict as what it stands for."""

    def ask(header, **parameters):
        request = urllib.request.Request(f"{url}?{urllib.parse.urlencode(parameters)}", headers={"X-IDENTITY-HEADER": header})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    with app_service(lambda resource: issuer.token(resource, LIFE) if resource == RESOURCE else None) as identity:
        url, header = identity.environment()["IDENTITY_ENDPOINT"], identity.environment()["IDENTITY_HEADER"]
        good = {"api-version": "2019-08-01", "resource": RESOURCE}
        assert ask(header, **good) == 200
        assert ask("another", **good) == 401, "the secret header"
        assert ask(header, **{**good, "api-version": "2017-09-01"}) == 400, "the version"
        assert ask(header, resource=RESOURCE) == 400, "no version"
        assert ask(header, **{**good, "resource": "https://nobody.example"}) == 400, "the resource"


def main():
    reexec()
    build, checks = build_folder(), Checks()
    with tempfile.TemporaryDirectory() as folder:
        issuer = Issuer(folder)
        checks.run("the platform lets in who shows its header and names its version", platform, issuer)
        with documentdb(build, folder, issuer) as host:
            checks.absorb("pymongo", [sys.executable, HERE / "pymongo_oidc.py", host, f"{folder}/db/tls-ca.pem", issuer.key_file, ISSUER])
            checks.run("gesso finds a database without a secret", database, checks, build, folder, issuer, host)
    checks.close()


main()
