#!/usr/bin/env python3
"""Sign-in against panva's oidc-provider, and against a stand-in for GitHub."""

import base64
import hashlib
import http.client
import http.cookiejar
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import ROOT, Checks, build_folder, program

REDIRECT = "http://127.0.0.1:9/api/v1/auth/oauth/google/callback"  # where nobody listens
CLIENT, SECRET = "our-client", "hunter2-and-some-more-of-it"


def node_modules():
    """`npm ci` into the build folder; the tree stays clean."""
    folder = ROOT / "build" / "node-oauth"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "node" / "package-lock.json").read_bytes()
    stamp = folder / "complete"
    if not stamp.exists() or stamp.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            (folder / name).write_bytes((HERE / "node" / name).read_bytes())
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        stamp.write_bytes(lock)
    (folder / "provider.mjs").write_bytes((HERE / "node" / "provider.mjs").read_bytes())
    return folder


class Probe:
    """gesso-oauth-probe as an object: `probe(begin=URI)`, `probe(finish={...}, cookie=...)`."""

    def __init__(self, build, kind, url, secret=SECRET):
        command = [build / "tests" / "gesso-oauth-probe", kind, url, CLIENT, secret]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.wait(60) != 0:
            raise AssertionError(f"gesso-oauth-probe ended with {self._process.returncode}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """A person's browser: keeps cookies, fills the provider's forms, stops where it is sent to us."""

    def __init__(self):
        self._opener = urllib.request.build_opener(
            NoRedirect, urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )

    def _open(self, url, form=None):
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(url, data, timeout=30) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def sign_in(self, url, who, agree=True):
        """The query of the redirect to us."""
        for _ in range(20):
            status, headers, body = self._open(url)
            while status == 200:
                action = re.search(r'<form[^>]* action="([^"]+)"', body)
                prompt = re.search(r'name="prompt" value="(\w+)"', body)
                if action is None or prompt is None:
                    raise AssertionError(body[:2000])
                if not agree:
                    abort = re.search(r'href="([^"]+/abort)"', body).group(1)
                    status, headers, body = self._open(urllib.parse.urljoin(url, abort))
                    continue
                form = {"prompt": prompt.group(1), "login": who, "password": "any"}
                status, headers, body = self._open(urllib.parse.urljoin(url, action.group(1)), form)
            if status not in (302, 303):
                raise AssertionError(f"{status}: {body[:2000]}")
            url = urllib.parse.urljoin(url, headers["Location"])
            if url.startswith("http://127.0.0.1:9/"):
                return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        raise AssertionError("redirected for ever")


def openid(build, base, checks):
    with Probe(build, "google", base) as probe:
        def begin():
            begun = probe(begin=REDIRECT)
            assert "url" in begun, begun
            return begun

        begun = begin()
        back = Browser().sign_in(begun["url"], "ada")
        checks.check("the provider says who it is (RFC 9207)", back.get("iss") == base, str(back))
        profile = probe(finish=back, cookie=begun["cookie"])
        expected = {
            "provider": "google", "issuer": base, "subject": "ada", "email": "ada@example.com",
            "email_verified": True, "name": "ADA",
        }
        checks.check("a person signs in", profile == expected, str(profile))
        again = probe(finish=back, cookie=begun["cookie"])
        checks.check("a code is good once", "accept this sign-in any more" in again.get("refusal", ""), str(again))

        begun = begin()
        back = Browser().sign_in(begun["url"], "mallory")
        profile = probe(finish=back, cookie=begun["cookie"])
        checks.check("an address that is not verified is not vouched for", profile.get("email_verified") is False, str(profile))

        begun, other = begin(), begin()
        back = Browser().sign_in(begun["url"], "ada")
        refused = probe(finish=back, cookie=other["cookie"])
        checks.check("a callback needs the cookie of its attempt", "began no sign-in" in refused.get("refusal", ""), str(refused))
        swapped = {**back, "state": dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(other["url"]).query))["state"]}
        refused = probe(finish=swapped, cookie=other["cookie"])
        checks.check("a code needs the verifier of its attempt (PKCE)", "any more" in refused.get("refusal", ""), str(refused))

        begun = begin()
        back = Browser().sign_in(begun["url"], "ada")
        refused = probe(finish={**back, "iss": "https://evil.example"}, cookie=begun["cookie"])
        checks.check("a callback of another issuer is refused", "refusal" in refused, str(refused))
        refused = probe(finish={key: value for key, value in back.items() if key != "iss"}, cookie=begun["cookie"])
        checks.check("a callback without the issuer that was promised is refused", "refusal" in refused, str(refused))

        begun = begin()
        back = Browser().sign_in(begun["url"], "ada", agree=False)
        refused = probe(finish=back, cookie=begun["cookie"])
        checks.check("a person may say no", "cancelled" in refused.get("refusal", ""), str(refused))
    with Probe(build, "google", base, secret="another secret of some length") as probe:
        begun = probe(begin=REDIRECT)
        back = Browser().sign_in(begun["url"], "ada")
        failed = probe(finish=back, cookie=begun["cookie"])
        checks.check("a wrong secret of ours is our fault", "invalid_client" in failed.get("error", ""), str(failed))


def service(build, base, checks):
    """The same through `gesso serve`: redirect, cookie, callback, session."""
    foreign = {key: value for key, value in os.environ.items() if not key.startswith("GESSO_")}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **foreign, "GESSO_LISTEN": "127.0.0.1:0", "GESSO_DATA_DIR": f"{folder}/data",
            "GESSO_BCRYPT_ROUNDS": "4", "GESSO_GOOGLE_URL": base, "GESSO_GOOGLE_CLIENT_ID": CLIENT,
            "GESSO_GOOGLE_CLIENT_SECRET": SECRET, "GESSO_OAUTH_REDIRECT_URI": REDIRECT.replace("google", "{provider}"),
        }
        with program([build / "gesso", "serve"], r"serves http://127\.0\.0\.1:(\d+)", env=environment) as (process, match):
            def ask(path, body=None, **headers):
                connection = http.client.HTTPConnection("127.0.0.1", int(match.group(1)), timeout=60)
                if body is not None:
                    headers["Content-Type"] = "application/json"
                connection.request(
                    "GET" if body is None else "POST", f"/api/v1{path}",
                    None if body is None else json.dumps(body), headers,
                )
                reply = connection.getresponse()
                text = reply.read()
                connection.close()
                return reply.status, reply.headers, json.loads(text) if text else None

            def sign_in(who):
                status, headers, _ = ask("/auth/oauth/google/start")
                assert status == 302, status
                back = urllib.parse.urlencode(Browser().sign_in(headers["Location"], who))
                cookie = headers["Set-Cookie"].split(";")[0]
                return ask(f"/auth/oauth/google/callback?{back}", Cookie=cookie), back

            (status, headers, tokens), back = sign_in("ada")
            if not checks.check("a browser comes back to a session", status == 200, f"{status} {tokens}"):
                return
            checks.check("the cookie is used up", "Max-Age=0" in headers["Set-Cookie"], headers["Set-Cookie"])
            _, _, me = ask("/users/me", Authorization=f"Bearer {tokens['access_token']}")
            known = (me.get("email"), me.get("auth_provider"), me.get("is_verified"))
            checks.check("the account is the provider's", known == ("ada@example.com", "google", True), str(me))
            (_, _, again), _ = sign_in("ada")
            _, _, same = ask("/users/me", Authorization=f"Bearer {again['access_token']}")
            checks.check("who comes again finds the account", same.get("id") == me.get("id"), str(same))
            status, _, refused = ask(f"/auth/oauth/google/callback?{back}")
            checks.check("no cookie, no session", (status, refused.get("reason")) == (400, "not_begun"), str(refused))
            (status, headers, refused), _ = sign_in("mallory")
            checks.check("no account without an address that is vouched for", status == 403, str(refused))
            checks.check("a refused callback drops the cookie", "Max-Age=0" in headers["Set-Cookie"], str(headers))
            link(ask, checks)
            log = process.log.read_text(errors="replace")
            checks.check("no secret is logged", SECRET not in log and again["access_token"] not in log, log[-2000:])


def link(ask, checks):
    """Who has a password links the provider's account of somebody without an address."""
    proof = {"password": "a lighthouse at dusk"}
    account = {"email": "bob@example.com", **proof}
    ask("/auth/register", account)
    _, _, tokens = ask("/auth/login", account)
    bob = {"Authorization": f"Bearer {tokens['access_token']}"}
    status, headers, begun = ask("/users/me/identities/google/link", proof, **bob)
    if not checks.check("linking begins with a proof", status == 200, f"{status} {begun}"):
        return
    back = urllib.parse.urlencode(Browser().sign_in(begun["authorization_url"], "mallory"))
    cookie = headers["Set-Cookie"].split(";")[0]
    status, _, linked = ask(f"/auth/oauth/google/callback?{back}", Cookie=cookie)
    checks.check("a logged-in user links an account", (status, linked.get("provider")) == (201, "google"), str(linked))
    status, _, refused = ask(f"/auth/oauth/google/callback?{back}", Cookie=cookie)
    checks.check("a state is good once", (status, refused.get("reason")) == (400, "not_begun"), str(refused))
    status, headers, _ = ask("/auth/oauth/google/start")
    back = urllib.parse.urlencode(Browser().sign_in(headers["Location"], "mallory"))
    cookie = headers["Set-Cookie"].split(";")[0]
    _, _, tokens = ask(f"/auth/oauth/google/callback?{back}", Cookie=cookie)
    _, _, me = ask("/users/me", Authorization=f"Bearer {tokens.get('access_token')}")
    checks.check("it signs that user in", me.get("email") == "bob@example.com", str(me))
    status, _, _ = ask("/users/me/identities/google/unlink", proof, **bob)
    _, _, left = ask("/users/me/identities", **bob)
    checks.check("and is unlinked", (status, left.get("items")) == (204, []), str(left))


class GitHub(http.server.BaseHTTPRequestHandler):
    """What GitHub does of it, errors with status 200 included."""

    codes = {}
    faults = []

    def log_message(self, *_):
        pass

    def _say(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/login/oauth/authorize":
            code = f"code{len(self.codes)}"
            self.codes[code] = query
            back = urllib.parse.urlencode({"code": code, "state": query["state"]})
            return self._say(302, {}, [("Location", f"{query['redirect_uri']}?{back}")])
        if not self.headers["User-Agent"] or self.headers["Authorization"] != "Bearer gho_token":
            return self._say(403, {"message": "Request forbidden by administrative rules."})
        if url.path == "/api/v3/user":
            return self._say(200, {"id": 583231, "login": "octocat", "name": None, "email": None})
        return self._say(200, [
            {"email": "octocat@users.noreply.github.com", "primary": False, "verified": True},
            {"email": "octocat@example.com", "primary": True, "verified": True, "visibility": None},
        ])

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.codes.pop(form.get("code"), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return self._say(200, {"error": "incorrect_client_credentials"})
        if asked is None or asked.get("code_challenge") != challenge:
            return self._say(200, {"error": "bad_verification_code", "error_description": "incorrect or expired"})
        if self.headers["Accept"] != "application/json":
            self.faults.append("asked for a form")
        return self._say(200, {"access_token": "gho_token", "token_type": "bearer", "scope": "read:user,user:email"})


def github(build, checks):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        with Probe(build, "github", base) as probe:
            begun = probe(begin=REDIRECT)
            back = Browser().sign_in(begun["url"], "octocat")
            profile = probe(finish=back, cookie=begun["cookie"])
            expected = {
                "provider": "github", "issuer": base, "subject": "583231",
                "email": "octocat@example.com", "email_verified": True, "name": "octocat",
            }
            checks.check("a person signs in with GitHub", profile == expected, str(profile))
            again = probe(finish=back, cookie=begun["cookie"])
            checks.check("GitHub's error with status 200 is one", "any more" in again.get("refusal", ""), str(again))
        checks.check("GitHub is asked for JSON", not GitHub.faults, str(GitHub.faults))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main():
    build, checks = build_folder(), Checks()
    node = node_modules()
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    os.environ.clear()
    os.environ.update(environment)
    command = ["node", node / "provider.mjs", REDIRECT]
    with program(command, r"listening on (\d+)", cwd=node) as (_, match):
        base = f"http://127.0.0.1:{match.group(1)}"
        openid(build, base, checks)
        service(build, base, checks)
    github(build, checks)
    checks.close()


main()
