#!/usr/bin/env python3
"""pymongo's own MONGODB-OIDC against localdb: pymongo_oidc.py HOST CA_FILE KEY_FILE ISSUER."""

import pathlib
import sys
import time

import jwt
import pymongo
from pymongo import errors
from pymongo.auth_oidc import OIDCCallback, OIDCCallbackResult

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks

HOST, CA, KEY, ISSUER = sys.argv[1:5]
AUDIENCE = "https://ossrdbms-aad.database.windows.net"
checks = Checks()


class Callback(OIDCCallback):
    def __init__(self, life=3600, **claims):
        self.life, self.claims, self.asked = life, claims, 0

    def fetch(self, context):
        self.asked += 1
        claims = {"iss": ISSUER, "aud": AUDIENCE, "oid": "principal-1", "exp": int(time.time()) + self.life, **self.claims}
        token = jwt.encode(claims, pathlib.Path(KEY).read_text(), algorithm="RS256", headers={"kid": "k1"})
        return OIDCCallbackResult(access_token=token)


def client(callback, **options):
    return pymongo.MongoClient(
        f"mongodb://{HOST}/?tls=true&authMechanism=MONGODB-OIDC&retryWrites=false", tlsCAFile=CA,
        authMechanismProperties={"OIDC_CALLBACK": callback}, **options,
    )


def logs_in():
    callback = Callback()
    with client(callback) as mongo:
        things = mongo.oidc.things
        things.insert_one({"_id": 1})
        assert things.find_one() == {"_id": 1}
        status = mongo.admin.command("connectionStatus")
        assert status["authInfo"]["authenticatedUsers"] == [{"user": "principal-1", "db": "$external"}], status
    assert callback.asked == 1, callback.asked


def looks_like_documentdb():
    with client(Callback()) as mongo:
        hello = mongo.admin.command("hello")
        assert hello["msg"] == "isdbgrid" and hello["internal"]["documentdb_versions"], hello


def logs_in_anew_when_the_token_ends():
    callback = Callback(life=2)
    with client(callback, maxPoolSize=2) as mongo:
        begun, done = time.monotonic(), 0
        while time.monotonic() - begun < 6:
            mongo.oidc.counted.insert_one({})
            done += 1
        assert mongo.oidc.counted.count_documents({}) == done
    assert callback.asked >= 3, callback.asked


def refused(code, text, callback):
    with client(callback) as mongo:
        try:
            mongo.oidc.things.find_one()
            raise AssertionError("it was let in")
        except errors.OperationFailure as refusal:
            assert refusal.code == code and text in str(refusal), refusal


def wrong_audience():
    refused(13, "Invalid audience claim.", Callback(aud="https://vault.azure.net"))


def wrong_issuer():
    refused(13, "Token validation failed", Callback(iss="https://sts.windows.net/other/"))


def expired():
    refused(391, "Token has expired.", Callback(life=-10))


for work in (logs_in, looks_like_documentdb, logs_in_anew_when_the_token_ends, wrong_audience, wrong_issuer, expired):
    checks.run(f"pymongo: {work.__name__}", work)
checks.close()
