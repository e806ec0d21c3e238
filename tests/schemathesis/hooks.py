"""What the document cannot tell schemathesis: who calls, and what only the caller knows."""

import os

import schemathesis


@schemathesis.auth(refresh_interval=None)
class Caller:
    def get(self, case, context):
        return os.environ["GESSO_TEST_TOKEN"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_body(context, body):
    """A request may name its own user and no other, whom a text made up is not."""
    if isinstance(body, dict) and isinstance(body.get("user_id"), str):
        body["user_id"] = os.environ["GESSO_TEST_USER"]
    return body
