"""What the document cannot tell schemathesis: who calls, and what only the caller knows."""

import json
import os
import re
import urllib.request

import schemathesis

# After these the token is good no more: each of their requests has one of its own.
ENDS_THE_SESSION = {"POST /api/v1/auth/logout", "DELETE /api/v1/users/me/sessions"}


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
        return log_in() if context.operation.label in ENDS_THE_SESSION else TOKEN

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_body(context, body):
    """A request may name its own user and no other, whom a text made up is not."""
    if isinstance(body, dict) and isinstance(body.get("user_id"), str):
        body["user_id"] = os.environ["GESSO_TEST_USER"]
    return body


POLICY = re.compile(r'"(\w+)";q=(\d+);w=(\d+)')
LEFT = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


@schemathesis.check
def a_limit_is_told(context, response, case):
    """Whoever is limited learns which quota is used up, and when to come again."""
    if response.status_code != 429:
        return
    body, field = json.loads(response.text), lambda name: response.headers[name][0]
    assert int(field("retry-after")) >= 1
    if body["code"] == "rate_limited":
        quotas = {name for name, *_ in POLICY.findall(field("ratelimit-policy"))}
        used_up = {name for name, left, _ in LEFT.findall(field("ratelimit")) if left == "0"}
        assert body["violated-policies"] and set(body["violated-policies"]) <= used_up <= quotas, (body, used_up, quotas)
    with open(os.environ["GESSO_TEST_LIMITED"], "a") as seen:
        seen.write(f"{body['code']} {case.operation.label}\n")
