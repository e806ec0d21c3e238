#!/usr/bin/env python3
"""Replicate's and OpenAI's own libraries against the stand-ins, so that these are not merely our
opinion of what the services say. Runs in an environment that has both."""

import base64
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
import httpx
import openai
import replicate
from replicate.exceptions import ReplicateError
from standins import OFFICIAL, VERSION, Openai, Replicate
from support.harness import Checks

checks = Checks()


def refusal(function, kind):
    try:
        function()
    except kind as error:
        return error
    raise AssertionError("nothing was refused")


def replicate_library():
    with Replicate(seconds=0.3) as standin:
        client = replicate.Client(api_token=standin.token, base_url=standin.url)
        made = client.predictions.create(
            version=VERSION,
            input={"prompt": "a lake", "num_outputs": 2},
            webhook="https://example.com/hook",
            webhook_events_filter=["start", "completed"],
        )
        checks.check("a prediction is made", made.status == "starting" and made.version == VERSION, made)
        made.wait()
        checks.check("a prediction succeeds", made.status == "succeeded" and len(made.output) == 2, made)
        checks.check("its files are pictures", httpx.get(str(made.output[0])).content.startswith(b"\x89PNG"))
        checks.check("it is got again", client.predictions.get(made.id).output == made.output)
        official = client.models.predictions.create(model=OFFICIAL, input={"prompt": "a lake"})
        checks.check("a model of theirs needs no version", official.version == "hidden", official)
        official.cancel()
        checks.check("a prediction is cancelled", client.predictions.get(official.id).status == "canceled")
        standin.page = 1
        first = client.predictions.list()
        second = client.predictions.list(first.next)
        checks.check("predictions are listed, newest first", [p.id for p in first] == [official.id], first)
        checks.check("the list has pages", [p.id for p in second] == [made.id] and second.next is None, second)
        nsfw = client.predictions.create(version=VERSION, input={"prompt": "naked"})
        nsfw.wait()
        checks.check("a failure says why", nsfw.status == "failed" and "NSFW" in nsfw.error, nsfw)

        def create():
            client.predictions.create(version=VERSION, input={"prompt": "a lake"})

        # The library repeats 429 and 503 for reads alone, so a create shows them.
        for fault, status in [("payment", 402), ("invalid", 422), ("throttle", 429)]:
            standin.faults.append(fault)
            error = refusal(create, ReplicateError)
            checks.check(f"{fault} is a {status} to the library", error.status == status, error)
        wrong = replicate.Client(api_token="r8_wrong", base_url=standin.url)
        checks.check(
            "a wrong token is refused", refusal(lambda: wrong.predictions.get("x"), ReplicateError).status == 401
        )


def openai_library():
    with Openai() as standin:
        client = openai.OpenAI(api_key=standin.token, base_url=standin.url + "/v1", max_retries=0)

        def create(model=standin.model, prompt="a lake", **more):
            return client.images.generate(model=model, prompt=prompt, n=2, size="1024x1024", **more)

        made = create(quality="low")
        pictures = [base64.b64decode(one.b64_json) for one in made.data]
        checks.check("images come in base64", len(pictures) == 2 and pictures[0].startswith(b"\x89PNG"))
        checks.check("tokens are told", made.usage.total_tokens == 100, made.usage)
        error = refusal(lambda: create(model="dall-e-3"), openai.NotFoundError)
        checks.check("a model that is no more is not found", error.code == "model_not_found", error)
        error = refusal(lambda: create(prompt="naked"), openai.BadRequestError)
        checks.check("moderation is a bad request", error.code == "moderation_blocked", error)
        for fault, kind in [
            ("throttle", openai.RateLimitError),
            ("quota", openai.RateLimitError),
            ("unavailable", openai.InternalServerError),
            ("lose", openai.APIConnectionError),
        ]:
            standin.faults.append(fault)
            checks.run(f"{fault} is {kind.__name__} to the library", lambda kind=kind: refusal(create, kind))
        wrong = openai.OpenAI(api_key="sk-wrong", base_url=standin.url + "/v1", max_retries=0)
        error = refusal(
            lambda: wrong.images.generate(model=standin.model, prompt="a"), openai.AuthenticationError
        )
        checks.check("a wrong key is refused", error.code == "invalid_api_key", error)


checks.run("Replicate's library takes the stand-in", replicate_library)
checks.run("OpenAI's library takes the stand-in", openai_library)
checks.close()
