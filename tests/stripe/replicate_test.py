"""Runs in an environment with Replicate's client and the library of Standard Webhooks: see run.py."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from replicate.prediction import Prediction
from replicate.webhook import Webhooks, WebhookSigningSecret
from standardwebhooks.webhooks import Webhook

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.harness import Checks, build_folder, wait_for_line

BUILD = build_folder()
SECRET, OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
BODY = json.dumps({
    "id": "ufawqhfynnddngldkgtslldrkq", "model": "stability-ai/sdxl", "version": "hidden", "status": "succeeded",
    "input": {"prompt": "Ünïcode \u2028 ☂"}, "output": ["https://replicate.delivery/a/out-0.png"], "error": None,
    "created_at": "2026-04-26T22:13:06.224088Z", "started_at": "2026-04-26T22:13:07Z", "logs": "",
    "completed_at": "2026-04-26T22:13:09Z", "metrics": {"predict_time": 2.0}, "urls": {},
    "webhook": "https://paint.example/webhooks/replicate?gen=gen_01ARZ3NDEKTSV4RRFFQ69G5FAV",
}, ensure_ascii=False)


def ours(*arguments, body=BODY):
    done = subprocess.run(
        [BUILD / "tests" / "gesso-stripe-check", *arguments], input=body.encode(), stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()


def signed_by_them(secret, when=None, body=BODY):
    moment = datetime.datetime.fromtimestamp(when or int(time.time()), datetime.timezone.utc)
    return Webhook(secret).sign(ID, moment, body)


def verdict(signature, *secrets, when=None, body=BODY):
    return ours("replicate-verify", ID, str(when or int(time.time())), signature, *secrets, body=body)


def they_verify_our_signature():
    now = str(int(time.time()))
    for secrets in ([SECRET], [OLD_SECRET, SECRET]):
        headers = {"webhook-id": ID, "webhook-timestamp": now,
                   "webhook-signature": ours("replicate-sign", ID, now, *secrets)}
        Webhooks.validate(headers=headers, body=BODY, secret=WebhookSigningSecret(key=SECRET), tolerance=300)
        assert Webhook(SECRET).verify(BODY, headers)["id"] == "ufawqhfynnddngldkgtslldrkq"
    headers["webhook-signature"] = ours("replicate-sign", ID, now, OLD_SECRET)
    try:
        Webhooks.validate(headers=headers, body=BODY, secret=WebhookSigningSecret(key=SECRET))
    except ValueError:
        return
    raise AssertionError("they take what another secret signed")


def we_verify_their_signature():
    assert verdict(signed_by_them(SECRET), SECRET) == "good"
    assert verdict(signed_by_them(OLD_SECRET), SECRET, OLD_SECRET) == "good"
    assert verdict(signed_by_them(OLD_SECRET) + " " + signed_by_them(SECRET), SECRET) == "good"
    assert verdict(signed_by_them(OLD_SECRET), SECRET) == "wrong"
    assert verdict(signed_by_them(SECRET), SECRET, body=BODY + " ") == "wrong"
    assert verdict(signed_by_them(SECRET)) == "wrong"


def both_judge_times_alike():
    for seconds in (-1000, -310, -280, 0, 280, 310, 1000):
        when = int(time.time()) + seconds
        headers = {"webhook-id": ID, "webhook-timestamp": str(when), "webhook-signature": signed_by_them(SECRET, when)}
        try:
            Webhook(SECRET).verify(BODY, headers)
            theirs = True
        except Exception:
            theirs = False
        mine = verdict(headers["webhook-signature"], SECRET, when=when) == "good"
        assert mine == theirs, (seconds, mine, theirs)


def we_read_the_predictions_that_they_read():
    theirs = Prediction(_client=None, **json.loads(BODY))
    lines = ours("replicate-parse").splitlines()
    assert lines == [theirs.id, theirs.status, "gen_01ARZ3NDEKTSV4RRFFQ69G5FAV", *theirs.output], lines
    fields = Prediction.model_fields if hasattr(Prediction, "model_fields") else Prediction.__fields__
    assert {"id", "status", "output", "error", "started_at"} <= set(fields)


def send(address, secret):
    """The status of an event, signed by the secret; the generation that it is about is not there."""
    headers = {"webhook-id": ID, "webhook-timestamp": str(int(time.time())), "webhook-signature": signed_by_them(secret)}
    url = f"{address}/webhooks/replicate?gen=gen_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    try:
        return urllib.request.urlopen(urllib.request.Request(url, BODY.encode(), headers), timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def the_program_takes_what_its_secrets_signed():
    environment = {**os.environ, "GESSO_REPLICATE_WEBHOOK_SECRETS": f"{SECRET}, {OLD_SECRET}"}
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        command = [BUILD / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        with open(log, "w") as out:
            program = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            address = wait_for_line(program, log, r"serves (http://127\.0\.0\.1:\d+)$", 60).group(1)
            assert send(address, SECRET) == 200
            assert send(address, OLD_SECRET) == 200
            assert send(address, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") == 400
        finally:
            program.terminate()
            status = program.wait(60)
        assert status == 0, log.read_text()


def main():
    checks = Checks()
    for check in (they_verify_our_signature, we_verify_their_signature, both_judge_times_alike,
                  we_read_the_predictions_that_they_read, the_program_takes_what_its_secrets_signed):
        checks.run(check.__name__.replace("_", " "), check)
    checks.close()


main()
