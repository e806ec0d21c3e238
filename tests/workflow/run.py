#!/usr/bin/env python3
"""From a prompt to pictures, through the whole service: previews, Replicate and OpenAI with
everything that can be lost on the way; and kills.py, what stays when processes are killed."""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
from support.painting import LISTENS, SETTINGS, Refused, User, ask, files_of, serving, until
from standins import NSFW, OFFICIAL, VERSION, Openai, Replicate
from support.harness import ROOT, Checks, program
from support.venv import python_with

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

        user = User(service, "bob")

        def one(prompt, fault=None, model_type="stable-diffusion-v2"):
            if fault:
                standin.faults.append(fault)
            made = user.post(prompt, model_type=model_type)
            return user.wait(made), standin.of(made["id"])

        for fault in ("lose", "break"):
            done, made = one("a lake", fault)
            checks.check(f"{fault}: completed", done["status"] == "completed", done)
            checks.check(f"{fault}: found again and not made twice", len(made) == 1, made)
        done, made = one("a lake", "throttle")
        checks.check("a throttled one is made later", done["status"] == "completed" and len(made) == 1, done)
        done, made = one("an odd state")
        checks.check("a state that is not known passes", done["status"] == "completed", done)

        def fails(name, prompt, fault, reason):
            before = user.credits()
            done, made = one(prompt, fault)
            checks.check(f"{name}: failed", done["status"] == "failed" and reason in done["error_message"], done)
            checks.run(f"{name}: paid back", until, lambda: user.credits() == before, 10)
            checks.check(f"{name}: not tried again", len(made) <= 1, made)

        fails("NSFW", "naked", None, NSFW[:20])
        fails("a failure", "it breaks", None, "CUDA")
        fails("one that never begins", "never begins", None, "did not begin")
        fails("no money", "a lake", "payment", "payment")
        fails("an invalid input", "a lake", "invalid", "input.width")

        done, made = one("a lake", model_type="stable-diffusion-xl")
        checks.check("a version is asked for, or a model of theirs", standin.bodies[-1].get("version") == VERSION)
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
                checks.run(f"{name}: paid back", until, lambda: user.credits() == before, 10)

            fails("moderation", "rejected by the safety system", prompt="naked")
            fails("a model that is no more", "no longer has this model", model_type="stable-diffusion-v2")
            fails("an empty account", "no credit left", fault="quota")
            standin.faults.append("throttle")
            done = user.wait(user.post(model_type="dalle-3"))
            checks.check("a throttled one is made later", done["status"] == "completed", done)


# ---- A worker of its own: events, probes, and doctor ---------------------------------------------


def events_of(user, generation):
    """Each event's name, its data and when it came, by the clock that the documents have."""
    url = f"{user.service}/api/v1/generations/{generation}/events"
    request = urllib.request.Request(url, headers=user.headers)
    name = None
    with urllib.request.urlopen(request, timeout=60) as stream:
        for line in stream:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            if text.startswith("data: "):
                yield name, json.loads(text.removeprefix("data: ")), time.time()


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def separate(build, checks):
    """Another process works, by the socket of the database that is embedded here; its commits are
    told at once."""
    settings = {"GESSO_WORKER_PARALLEL": "0", "GESSO_PREVIEW_EDGE": "64"}
    with tempfile.TemporaryDirectory() as folder, serving(build, folder, **settings) as (_, service):
        user = User(service, "ada")
        waiting = [user.post(f"A lake number {i}") for i in range(8)]
        streams = [events_of(user, one["id"]) for one in waiting]
        first = [next(stream)[0] for stream in streams]
        checks.check("a stream begins with what is", first == ["pending"] * 8, first)
        environment = {**os.environ, **SETTINGS, "GESSO_PREVIEW_EDGE": "64", "GESSO_WORKER_LISTEN": "127.0.0.1:0"}
        command = [build / "gesso", "work", "--data-dir", folder]
        alone = subprocess.run([*command[:-1], f"{folder}/nobodys"], env=environment, capture_output=True, text=True)
        checks.check("beside an embedded database it works where somebody serves, and opens no data itself",
                     alone.returncode == 3 and "start `gesso serve`" in alone.stderr
                     and not pathlib.Path(f"{folder}/nobodys/data.mdb").exists(), alone)  # fmt: skip
        with contextlib.ExitStack() as stack:
            readers = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(streams)))
            read = readers.map(list, streams)  # they end by themselves
            pattern = r"ask   http://(\S+)/metrics"
            process, match = stack.enter_context(program(command, pattern, env=environment))
            told = list(read)
            checks.check("they end with the end", [t[-1][0] for t in told] == ["completed"] * 8, told)
            late = sorted(t[-1][2] - seconds_of(t[-1][1]["completed_at"]) for t in told)
            print(f"report: told {late[4] * 1000:.0f} ms after another process completed it", flush=True)
            checks.check("what another process commits is told at once", late[4] < 2, late)  # without a feed, half a minute
            lines = ('gesso_worker_ends_total{outcome="completed",provider="preview"} 8',
                     'gesso_worker_claims_total{attempt="first",provider="preview"} 8',
                     'gesso_worker_generations{provider="preview"} 0',
                     'gesso_generation_duration_seconds_count{provider="preview"} 8',
                     'gesso_images_stored_total 8')  # fmt: skip
            text = ""

            def shows_all():  # what a worker has ended it counts a moment after the commit
                nonlocal text
                text = ask(f"http://{match.group(1)}/metrics", raw=True).decode()
                return all(line in text for line in lines)

            with contextlib.suppress(AssertionError):
                until(shows_all)
            for line in lines:
                checks.check(f"a worker shows {line.split('{')[0]}", line in text, text)
            ready = ask(f"http://{match.group(1)}/readyz")
            checks.check("a worker says that it is ready", ready == {"status": "ready"}, ready)
            process.send_signal(signal.SIGTERM)
            checks.check("a worker ends well", process.wait(60) == 0)


# ---- Change streams ------------------------------------------------------------------------------

BETWEEN_LOOKS = 10  # seconds, while a change stream is open


def metric(service, name):
    shown = ask(f"{service}/metrics", raw=True).decode()
    return float(re.search(rf"^{name} (\S+)$", shown, re.MULTILINE).group(1))


def change_stream(build, checks):
    """Two services over one database: who listens at the one is told by the database's change stream
    what the other one's worker does."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        database = [build / "gesso", "localdb", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/database",
                    "--dialect", "cosmos-ru", "--ru", "1000000"]  # fmt: skip
        _, match = stack.enter_context(program(database, LISTENS))
        settings = {"GESSO_MONGODB_URI": f"mongodb://{match.group(1)}/"}
        data = f"{folder}/shared"  # of keys and images
        _, listening = stack.enter_context(serving(build, data, GESSO_WORKER_PARALLEL="0", **settings))
        user = User(listening, "ada")
        made = user.post()
        events = urllib.request.urlopen(
            urllib.request.Request(f"{listening}/api/v1/generations/{made['id']}/events", headers=user.headers), timeout=60
        )
        told = b""
        while not told.endswith(b"\n\n"):
            told += events.readline()
        checks.check("a listener is told how it stands", b"event: pending" in told, told)
        until(lambda: metric(listening, "gesso_change_stream_open") == 1)
        stack.enter_context(serving(build, data, **settings))
        while b"event: completed" not in told or not told.endswith(b"\n\n"):
            told += events.read1()
        came = datetime.datetime.now(datetime.timezone.utc)
        done = json.loads(re.findall(rb"data: (\{.*\})", told)[-1])
        late = (came - datetime.datetime.fromisoformat(done["completed_at"].replace("Z", "+00:00"))).total_seconds()
        checks.check("and of its end long before anybody looks", late < BETWEEN_LOOKS / 4, late)
        checks.check("by the stream", metric(listening, "gesso_change_stream_changes_total") >= 1)
        checks.check("which is well", metric(listening, "gesso_change_stream_failures_total") == 0)
        print(f"report: told of the end {1000 * late:.0f} ms after it", flush=True)


def doctor(build, checks):
    """A model that its provider no longer has is said by `gesso doctor`, with the way out."""
    with tempfile.TemporaryDirectory() as folder, Replicate() as there, Openai() as openai_there:
        environment = {
            **os.environ,
            **SETTINGS,
            **with_replicate(there),
            "GESSO_MODEL_DALLE_3": "openai gpt-image-2",
            "GESSO_OPENAI_API_KEY": openai_there.token,
            "GESSO_OPENAI_API_URL": openai_there.url,
        }

        def models(**more):
            command = [build / "gesso", "doctor", "--json", "--data-dir", folder]
            done = subprocess.run(command, env={**environment, **more}, capture_output=True, text=True)
            found = [check for check in json.loads(done.stdout)["checks"] if check["name"] == "models"]
            return done.returncode, found[0]

        status, found = models()
        checks.check("models that are there are well", (status, found["status"]) == (0, "ok"), found)
        status, found = models(GESSO_MODEL_DALLE_3="openai dall-e-3")
        checks.check("one that is no more fails", (status, found["status"]) == (3, "FAIL"), found)
        checks.check("it is named", "no longer there: openai dall-e-3" in found["found"], found)
        checks.check("with the way out", "GESSO_MODEL_DALLE_3" in found["advice"], found)
        _, found = models(GESSO_MODEL_STABLE_DIFFUSION_V2="replicate nobody/nothing")
        checks.check("one of Replicate's, too", "replicate nobody/nothing" in found["found"], found)
        _, found = models(GESSO_OPENAI_API_KEY="sk-wrong")
        checks.check("a key that is refused warns", found["status"] == "warn", found)
        checks.check("no secret is shown", "sk-wrong" not in json.dumps(found), found)
        checks.check("nothing was painted", (there.requests["create"], openai_there.requests["create"]) == (0, 0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--generations", type=int, default=120)
    options = parser.parse_args()
    build, checks = options.build.resolve(), Checks()
    python = python_with(*(HERE / "requirements.txt").read_text().split())
    checks.absorb("the providers' libraries", [python, HERE / "libraries_test.py"])
    for part in (previews, replicate, killed, ended, openai, separate, change_stream, doctor):
        checks.run(part.__name__, part, build, checks)
    checks.absorb(
        "kills under load",
        [sys.executable, HERE / "kills.py", "--build", build, "--generations", str(options.generations)],
    )
    checks.close()


if __name__ == "__main__":
    main()
