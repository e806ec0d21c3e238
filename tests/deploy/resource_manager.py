"""Pretends to be Azure's resource manager and a key vault, for the real `az`.

A proxy on the loopback to which every host is itself, over TLS with a certificate of its own: nothing
leaves the machine. It stores what is put and gives it back; it knows no rules but those that the
scripts lean on.
"""

import base64
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

from standin_az import connection_string, fresh_key

SUBSCRIPTION = "99999999-8888-7777-6666-555555555555"
HOSTS = ["management.azure.com", "graph.microsoft.com", "login.microsoftonline.com", "paint-kv.vault.azure.net"]
PROFILE = {
    "subscriptions": [
        {
            "id": SUBSCRIPTION, "name": "paint", "state": "Enabled", "isDefault": True, "environmentName": "AzureCloud",
            "tenantId": "99999999-8888-7777-6666-000000000000",
            "user": {"name": "systemAssignedIdentity", "type": "servicePrincipal", "assignedIdentityInfo": "MSI"},
        }
    ]
}  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = "127.0.0.1"

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.send_response(200)
        self.end_headers()
        self.host = self.path.partition(":")[0]
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, reply = self.server.azure.reply(self.command, self.host, self.path, body)
        text = b"" if reply is None else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_HEAD = do_PATCH = do_DELETE = answer


class ResourceManager:
    def __init__(self):
        self.resources = {}  # by the path in lower case
        self.registered = set()
        self.keys = {"primary": fresh_key(), "secondary": fresh_key()}
        self.versions = []
        self.requests = []  # (method, host, path)
        self.mutex = threading.Lock()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gesso-arm-"))
        names = ",".join(f"DNS:{host}" for host in HOSTS)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pretended Azure",
             "-addext", f"subjectAltName={names}", "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem"],
            check=True, capture_output=True)  # fmt: skip
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.azure = self
        self.server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.tls.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        (self.folder / "config").mkdir()
        (self.folder / "config" / "azureProfile.json").write_text(json.dumps(PROFILE))
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        """What the real az runs with: logged in by a managed identity, behind the proxy."""
        here = f"http://127.0.0.1:{self.server.server_port}"
        kept = {name: os.environ[name] for name in ["HOME", "LANG"] if name in os.environ}
        return {
            **kept,
            "PATH": "/usr/bin:/bin",
            "HTTPS_PROXY": here,
            "HTTP_PROXY": here,
            "NO_PROXY": "127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(self.folder / "cert.pem"),
            "AZURE_CONFIG_DIR": str(self.folder / "config"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "APPSETTING_WEBSITE_SITE_NAME": "paint",
            "MSI_ENDPOINT": f"{here}/msi",
            "MSI_SECRET": "x",
        }

    def reply(self, method, host, target, body):
        with self.mutex:
            split = urllib.parse.urlsplit(target)
            path = split.path.rstrip("/")
            self.requests.append((method, host, path))
            if host == "127.0.0.1":
                return 200, self.token()
            if host.endswith(".vault.azure.net"):
                value, created = self.versions[-1]
                return 200, {"value": value, "attributes": {"created": created}}
            if method == "GET" and path.lower().endswith("/roleassignments"):
                asked = urllib.parse.parse_qs(split.query).get("$filter", [""])[0]
                return 200, {"value": self.assignments(path.lower(), asked.partition("principalId eq ")[2].strip("'"))}
            return self.manage(method, path, path.lower(), body)

    def assignments(self, low, principal):
        """Those on one resource; of a principal where the filter asks for one."""
        found = [one for name, one in self.resources.items() if name.startswith(low + "/")]
        return [one for one in found if principal in ("", one["properties"]["principalId"])]

    def token(self):
        claims = base64.urlsafe_b64encode(json.dumps({"oid": "o", "tid": "t"}).encode()).decode().rstrip("=")
        end = str(int(time.time()) + 86_400)
        return {"access_token": f"e30.{claims}.x", "expires_on": end, "expires_in": "86400", "token_type": "Bearer",
                "resource": "x", "not_before": "0"}  # fmt: skip

    def manage(self, method, path, low, body):
        parts = low.strip("/").split("/")
        if parts[2:] == ["providers"]:
            return 200, {"value": [{"namespace": one, "registrationState": "Registered"} for one in self.registered]}
        if len(parts) >= 4 and parts[2] == "providers" and (len(parts) == 4 or parts[4] == "register"):
            if method == "POST":
                self.registered.add(parts[3])
            state = "Registered" if parts[3] in self.registered else "NotRegistered"
            return 200, {"namespace": parts[3], "registrationState": state, "resourceTypes": []}
        if method == "POST" and parts[-1] == "listkeys":
            return 200, {f"{name}MasterKey": key for name, key in self.keys.items()}
        if method == "POST" and parts[-1] == "listconnectionstrings":
            return 200, {"connectionStrings": [
                {"connectionString": connection_string(parts[-2], key),
                 "description": f"{name.capitalize()} MongoDB Connection String"} for name, key in self.keys.items()]}  # fmt: skip
        if method == "POST" and parts[-1] == "regeneratekey":
            self.keys[body["keyKind"]] = fresh_key()
            return 200, {}
        if method == "PUT":
            return 200, self.put(path, low, body)
        if method in ("GET", "HEAD") and low in self.resources:
            return (200, self.resources[low]) if method == "GET" else (204, None)
        if method == "GET" and parts[-1] == "deletedvaults":
            return 200, {"value": [one for name, one in self.resources.items() if name.startswith(low + "/")]}
        return 404, {"error": {"code": "ResourceNotFound", "message": f"There is no {path}."}}

    def put(self, path, low, body):
        made = {**body, "id": path, "name": path.rsplit("/", 1)[1]}
        properties = made.setdefault("properties", {})
        kind = low.split("/")[-2]
        if kind == "secrets":
            self.versions.append((properties.pop("value"), int(time.time())))
            properties["secretUriWithVersion"] = f"https://paint-kv.vault.azure.net/secrets/x/{len(self.versions):032}"
        elif kind not in ("diagnosticsettings", "roleassignments", "containers"):
            properties["provisioningState"] = "Succeeded"
        if kind == "storageaccounts":
            properties["primaryEndpoints"] = {"blob": "https://paintpictures.blob.core.windows.net/"}
        if kind == "vaults":
            properties["vaultUri"] = "https://paint-kv.vault.azure.net/"
        if kind == "containerapps":
            ingress = properties["configuration"].get("ingress")
            made["identity"]["principalId"] = f"{2 if ingress is None else 1}1111111-2222-3333-4444-555555555555"
            if ingress is not None:
                ingress["fqdn"] = "gesso.example.net"
        self.resources[low] = made
        return made

    def run(self, script, *arguments):
        done = subprocess.run([script, *arguments], env=self.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)  # fmt: skip
        return done.returncode, done.stdout

