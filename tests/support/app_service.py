"""The endpoint of managed identities that App Service and Container Apps give each process (2019-08-01).

For tests that have tokens to give; gesso-azure-standin makes its own.
"""

import contextlib
import http.server
import json
import secrets
import threading
import urllib.parse

API_VERSION = "2019-08-01"
PATH = "/msi/token"


class AppService(http.server.ThreadingHTTPServer):
    """`token_of(resource)` gives a token with its end (seconds since 1970), or None where nothing is
    called that. `asked` holds the parameters of each request that was let in."""

    def __init__(self, token_of):
        super().__init__(("127.0.0.1", 0), Handler)
        self.token_of, self.asked, self.header = token_of, [], secrets.token_hex(16)

    def environment(self):
        """The variables that a process with this identity has."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.server_port}{PATH}",
            "IDENTITY_HEADER": self.header,
            "GESSO_AZURE_CREDENTIAL": "ManagedIdentityCredential",
        }


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        status, body = self.answer(url.path, dict(urllib.parse.parse_qsl(url.query)))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, path, asked):
        def refuse(status, message):
            return status, {"statusCode": status, "message": message}

        if path != PATH:
            return refuse(404, "There is no such path")
        if self.headers["X-IDENTITY-HEADER"] != self.server.header:
            return refuse(401, "The value of X-IDENTITY-HEADER is not that of this instance")
        if asked.get("api-version") != API_VERSION:
            return refuse(400, f"The api-version '{asked.get('api-version')}' is not supported")
        self.server.asked.append(asked)
        resource = asked.get("resource", "")
        found = self.server.token_of(resource)
        if found is None:
            return refuse(400, f"AADSTS500011: The resource principal named {resource} was not found")
        token, end = found
        return 200, {"access_token": token, "expires_on": str(end), "resource": resource, "token_type": "Bearer"}

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def app_service(token_of):
    server = AppService(token_of)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield server
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
