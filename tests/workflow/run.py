#!/usr/bin/env python3
"""From a prompt to pictures, through the whole service: previews, Replicate and OpenAI with
everything that can be lost on the way, and what stays when processes are killed.

  tests/workflow/run.py --build build/release --generations 10000     the proof at full length
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from standins import NSFW, OFFICIAL, VERSION, Openai, Replicate
from support.harness import ROOT, Checks, program
from support.venv import python_with

PASSWORD = "correct horse battery"
SERVES = r"serves (http://127\.0\.0\.1:\d+)$"
ENDED = ("completed", "failed", "cancelled")
SETTINGS = {
    "GESSO_BCRYPT_ROUNDS": "4",
    "GESSO_LIMITS": "*.* = unlimited",
    "GESSO_JWT_SECRET": "a secret of the workflow's test, of 32 bytes",
    "GESSO_SWEEP_INTERVAL": "500ms",
    "GESSO_CHARGE_GRACE": "1s",
    "GESSO_WORKER_LEASE": "2s",
}


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status, self.body = status, body


def ask(url, method="GET", body=None, headers=(), raw=False):
    data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
    request = urllib.request.Request(url, data, dict(headers), method=method)
    if data is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return content if raw else json.loads(content or b"null")
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.read().decode(errors="replace")) from error


class User:
    def __init__(self, service, name):
        self.service = service
        # Ten credits come with a new account.
        made = ask(f"{service}/api/v1/auth/register", "POST", {"email": f"{name}@example.com", "password": PASSWORD})
        self.id = made["user"]["id"] if "user" in made else made["id"]
        token = made.get("access_token") or self.log_in(name)
        self.headers = {"Authorization": f"Bearer {token}"}

    def log_in(self, name):
        proof = {"email": f"{name}@example.com", "password": PASSWORD}
        return ask(f"{self.service}/api/v1/auth/login", "POST", proof)["access_token"]

    def ask(self, path, method="GET", body=None, **more):
        return ask(f"{self.service}/api/v1{path}", method, body, self.headers, **more)

    def post(self, prompt="A beautiful sunset over mountains", **more):
        return self.ask("/generations", "POST", {"prompt": prompt, "image_size": "256x256", **more})

    def wait(self, generation, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            seen = self.ask(f"/generations/{generation['id']}")
            if seen["status"] in ENDED:
                return seen
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not end: {seen}")
            time.sleep(0.05)  # between two looks

    def credits(self):
        return self.ask("/users/me")["credits_remaining"]


@contextlib.contextmanager
def serving(build, folder, **settings):
    environment = {**os.environ, **SETTINGS, **settings}
    command = [build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
    with program(command, SERVES, env=environment) as (process, match):
        yield process, match.group(1)


def files_of(folder):
    images = pathlib.Path(folder) / "images"
    return sorted(str(path.relative_to(images)) for path in images.rglob("*") if path.is_file())


# ---- Previews ------------------------------------------------------------------------------------


def previews(build, checks):
    with tempfile.TemporaryDirectory() as folder, serving(build, folder) as (_, service):
        user = User(service, "ada")
        made = user.post(num_images=2, seed=7)
        done = user.wait(made)
        checks.check("a preview is completed", done["status"] == "completed", done)
        checks.check("it says that it is one", done["provider"] == "preview", done)
        checks.check("it cost a credit an image", user.credits() == 8, user.credits())
        pictures = [ask(url, raw=True) for url in done["blob_urls"]]
        checks.check("links show pictures", [p[:8] for p in pictures] == [b"\x89PNG\r\n\x1a\n"] * 2, done["blob_urls"])
        checks.check("which say what they are", all(b"preview" in p for p in pictures))
        again = user.wait(user.post(num_images=2, seed=7))
        same = [ask(url, raw=True) for url in again["blob_urls"]]
        checks.check("the same input gives the same bytes", same == pictures)
        checks.check("they are on disk", f"generations/{made['id']}/0.png" in files_of(folder), files_of(folder))

        def refused(url):
            try:
                ask(url, raw=True)
            except Refused as refusal:
                return refusal.status
            return 200

        link = done["blob_urls"][0]
        checks.check("a link without its signature is refused", refused(link.split("&")[0]) == 403)
        checks.check("a link to another image is refused", refused(link.replace("/0.png", "/1.png")) == 403)
        large = user.wait(user.post(image_size="1024x1024"))
        small = ask(large["thumbnail_urls"][0], raw=True)
        checks.check("a large one has a small one", small[:4] == b"RIFF", large["thumbnail_urls"])
        checks.check("which is smaller", len(small) < len(ask(large["blob_urls"][0], raw=True)) / 4)
        user.ask(f"/generations/{made['id']}", "DELETE")
        checks.check("images go with their generation", not any(made["id"] in name for name in files_of(folder)))
        checks.check("and their links end", refused(link) == 404)


# ---- Replicate -----------------------------------------------------------------------------------


def with_replicate(standin):
    return {
        "GESSO_MODEL_STABLE_DIFFUSION_XL": f"replicate stability-ai/sdxl:{VERSION}, credits=2",
        "GESSO_MODEL_STABLE_DIFFUSION_V2": f"replicate {OFFICIAL}",
        "GESSO_REPLICATE_API_TOKEN": standin.token,
        "GESSO_REPLICATE_API_URL": standin.url,
        "GESSO_REPLICATE_FILE_ORIGINS": standin.url,
        "GESSO_REPLICATE_WEBHOOK_SECRETS": standin.secret,
    }


def replicate(build, checks):
    with (
        tempfile.TemporaryDirectory() as folder,
        Replicate() as standin,
        serving(build, folder, **with_replicate(standin)) as (_, service),
    ):
        user = User(service, "ada")
        done = user.wait(user.post(num_images=2, seed=5, negative_prompt="blur"))
        checks.check("Replicate paints", done["status"] == "completed" and done["provider"] == "replicate", done)
        checks.check("its addresses are told", done["result_urls"][0].startswith(standin.url), done)
        checks.check("its images are kept", ask(done["blob_urls"][1], raw=True).startswith(b"\x89PNG"))
        checks.check("two images cost twice two", user.credits() == 6, user.credits())
        asked = standin.bodies[0]["input"]
        wanted = {"width": 256, "height": 256, "num_outputs": 2, "seed": 5, "negative_prompt": "blur"}
        checks.check("it is asked for what was asked for", wanted.items() <= asked.items(), asked)

        def one(prompt, fault=None, **more):
            if fault:
                standin.faults.append(fault)
            made = user.post(prompt, **more)
            before = standin.requests["create"]
            return user.wait(made), standin.of(made["id"]), before

        for fault in ("lose", "break"):
            done, made, _ = one("a lake", fault)
            checks.check(f"{fault}: completed", done["status"] == "completed", done)
            checks.check(f"{fault}: found again and not made twice", len(made) == 1, made)
        done, made, _ = one("a lake", "throttle")
        checks.check("a throttled one is made later", done["status"] == "completed" and len(made) == 1, done)
        done, made, _ = one("an odd state", model_type="stable-diffusion-v2")
        checks.check("a state that is not known passes", done["status"] == "completed", done)

        def fails(name, prompt, fault, reason):
            before = user.credits()
            done, made, _ = one(prompt, fault, model_type="stable-diffusion-v2")
            checks.check(f"{name}: failed", done["status"] == "failed" and reason in done["error_message"], done)
            checks.check(f"{name}: paid back", user.credits() == before, (before, user.credits()))
            checks.check(f"{name}: not tried again", len(made) <= 1, made)

        fails("NSFW", "naked", None, NSFW[:20])
        fails("a failure", "it breaks", None, "CUDA")
        fails("one that never begins", "never begins", None, "did not begin")
        fails("no money", "a lake", "payment", "payment")
        fails("an invalid input", "a lake", "invalid", "input.width")

        held = user.post("takes for ever", model_type="stable-diffusion-v2")
        until(lambda: any(p["started_at"] for p in map(standin.shown, standin.of(held["id"]))))
        user.ask(f"/generations/{held['id']}/cancel", "POST")
        done = user.wait(held)
        state = standin.shown(standin.of(held["id"])[0])["status"]
        checks.check("what is cancelled is stopped there", (done["status"], state) == ("cancelled", "canceled"), done)

        made = user.wait(user.post("a lake", model_type="stable-diffusion-v2"))
        body, headers = standin.webhook(standin.of(made["id"])[0])
        told = [ask(f"{service}/webhooks/replicate?gen={made['id']}", "POST", body, headers) for _ in range(2)]
        checks.check("late webhooks change nothing", [t["outcome"] for t in told] == ["repeated"] * 2, told)
        checks.check("nor the generation", user.ask(f"/generations/{made['id']}")["status"] == "completed")


def killed(build, checks):
    """A worker is killed while the provider works; the next one goes on with the same prediction."""
    with tempfile.TemporaryDirectory() as folder, Replicate(seconds=1.5) as standin:
        with serving(build, folder, **with_replicate(standin)) as (process, service):
            user = User(service, "ada")
            made = [user.post("a lake", model_type="stable-diffusion-v2") for _ in range(3)]
            until(lambda: all(standin.of(one["id"]) for one in made))
            process.kill()
            process.wait()
        with serving(build, folder, **with_replicate(standin)) as (_, service):
            user.service = service
            done = [user.wait(one) for one in made]
            checks.check("all are completed", [d["status"] for d in done] == ["completed"] * 3, done)
            predictions = [len(standin.of(one["id"])) for one in made]
            checks.check("by one prediction each", predictions == [1, 1, 1], predictions)
            checks.check("and paid for once", user.credits() == 7, user.credits())


def ended(build, checks):
    """SIGTERM hands back what waits, and the next one need not wait for a lease."""
    with tempfile.TemporaryDirectory() as folder, Replicate(seconds=2) as standin:
        settings = {**with_replicate(standin), "GESSO_WORKER_LEASE": "10m"}
        with serving(build, folder, **settings) as (process, service):
            user = User(service, "ada")
            made = user.post("a lake", model_type="stable-diffusion-v2")
            until(lambda: standin.of(made["id"]))
            process.send_signal(signal.SIGTERM)
            checks.check("it ends well", process.wait(60) == 0)
        with serving(build, folder, **settings) as (_, service):
            user.service = service
            done = user.wait(made)
            checks.check("it is completed by the next", done["status"] == "completed", done)
            checks.check("with the same prediction", len(standin.of(made["id"])) == 1)


# ---- OpenAI --------------------------------------------------------------------------------------


def openai(build, checks):
    with tempfile.TemporaryDirectory() as folder, Openai() as standin:
        settings = {
            "GESSO_MODEL_DALLE_3": "openai gpt-image-2, credits=3, 256x256=1024x1024, quality=low",
            "GESSO_MODEL_STABLE_DIFFUSION_V2": "openai dall-e-3",
            "GESSO_OPENAI_API_KEY": standin.token,
            "GESSO_OPENAI_API_URL": standin.url,
        }
        with serving(build, folder, **settings) as (_, service):
            user = User(service, "ada")
            done = user.wait(user.post(model_type="dalle-3", num_images=2))
            checks.check("OpenAI paints", done["status"] == "completed" and done["provider"] == "openai", done)
            checks.check("its images are kept", ask(done["blob_urls"][1], raw=True).startswith(b"\x89PNG"))
            checks.check("they cost what the settings say", user.credits() == 4, user.credits())
            sent = standin.bodies[0]
            wanted = {"model": "gpt-image-2", "size": "1024x1024", "n": 2, "quality": "low"}
            checks.check("it is asked in its own words", wanted.items() <= sent.items(), sent)

            def fails(name, reason, fault=None, **more):
                if fault:
                    standin.faults.append(fault)
                before = user.credits()
                done = user.wait(user.post(**{"model_type": "dalle-3", **more}))
                good = done["status"] == "failed" and reason in done["error_message"]
                checks.check(f"{name}: failed", good, done)
                checks.check(f"{name}: paid back", user.credits() == before, (before, user.credits()))

            fails("moderation", "rejected by the safety system", prompt="naked")
            fails("a model that is no more", "no longer has this model", model_type="stable-diffusion-v2")
            fails("an empty account", "no credit left", fault="quota")
            standin.faults.append("throttle")
            done = user.wait(user.post(model_type="dalle-3"))
            checks.check("a throttled one is made later", done["status"] == "completed", done)


# ---- Kills under load ----------------------------------------------------------------------------


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to pass")
        time.sleep(0.02)  # between two looks


def load(build, checks, count):
    """Services that paint are killed again and again while their users ask for images."""
    began = time.monotonic()
    users, asked, lost = [], [], 0
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GESSO_PREVIEW_EDGE": "64"}
        while len(asked) < count:
            with serving(build, folder, **settings) as (process, service):
                round_users = [User(service, f"u{len(users) + i}") for i in range(4)]
                users += round_users
                for user in users:
                    user.service = service
                timer = threading.Timer(rng.uniform(1.0, 3.0), process.kill)
                timer.start()
                try:
                    while True:
                        user = rng.choice(users)
                        try:
                            asked.append((user, user.post(f"A lake number {len(asked)}")["id"]))
                        except Refused as refusal:
                            if refusal.status != 402:
                                raise
                            if len(asked) >= count or all(u.credits() < 1 for u in users):
                                break
                except OSError:
                    lost += 1
                finally:
                    timer.cancel()
                if process.poll() is None:
                    process.kill()
                process.wait()
        with serving(build, folder, **settings) as (_, service):
            ended_as, owned = {}, set()
            for user in users:
                user.service = service
                listed, cursor = [], ""
                while cursor is not None:
                    page = user.ask(f"/generations?limit=100{cursor and '&cursor=' + cursor}")
                    listed += page["items"]
                    cursor = page["next_cursor"]
                for generation in listed:
                    done = user.wait(generation)
                    ended_as[done["id"]] = done["status"]
                    owned |= {f"generations/{done['id']}/{i}.png" for i in range(len(done["blob_urls"]))}
                spent = sum(ended_as[g["id"]] == "completed" for g in listed)
                good = user.credits() == 10 - spent
                checks.check(f"{user.id}: credits are exact", good, (user.credits(), spent))
            known = [identifier for _, identifier in asked]
            missing = [identifier for identifier in known if identifier not in ended_as]
            checks.check("no generation was lost", not missing, missing)
            wrong = {i: s for i, s in ended_as.items() if s != "completed"}
            # One that was killed three times in its middle is given up, and paid back.
            checks.check("all are completed but few", len(wrong) <= len(ended_as) / 50, wrong)
            orphans = set(files_of(folder)) - owned
            checks.check("every image has a generation", not [o for o in orphans if o.endswith(".png")], orphans)
            checks.check("every generation has its image", owned <= set(files_of(folder)))
    seconds = time.monotonic() - began
    print(f"report: {len(ended_as)} generations in {seconds:.0f} s, killed {lost} times", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--generations", type=int, default=120)
    options = parser.parse_args()
    build, checks = options.build.resolve(), Checks()
    python = python_with(*(HERE / "requirements.txt").read_text().split())
    checks.absorb("the providers' libraries", [python, HERE / "libraries_test.py"])
    for part in (previews, replicate, killed, ended, openai):
        checks.run(part.__name__, part, build, checks)
    checks.run("load", load, build, checks, options.generations)
    checks.close()


main()
