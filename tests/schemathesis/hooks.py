"""What the document cannot tell schemathesis: who calls, and what only the caller knows."""

import json
import os
import urllib.request

import schemathesis

# After these the token is good no more: each of their requests has one of its own.
ENDS_THE_SESSION = {"/api/v1/auth/logout", "/api/v1/users/me/sessions"}


def log_in():
    request = urllib.request.Request(
        os.environ["GESSO_TEST_URL"] + "/api/v1/auth/login",
        os.environ["GESSO_TEST_ACCOUNT"].encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())["access_token"]


TOKEN = log_in()


@schemathesis.auth(refresh_interval=None)
class Caller:
    def get(self, case, context):
        return log_in() if context.operation.path in ENDS_THE_SESSION else TOKEN

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_body(context, body):
    """A request may name its own user and no other, whom a text made up is not."""
    if isinstance(body, dict) and isinstance(body.get("user_id"), str):
        body["user_id"] = os.environ["GESSO_TEST_USER"]
    return body
