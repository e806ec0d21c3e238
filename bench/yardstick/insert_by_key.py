"""Inserts at the pace of a whole budget into a collection that is sharded by KEY, and tells what was taken:
a line of JSON. Run by bench/partitions.py, where pymongo is.

    insert_by_key.py URI KEY UNITS PARTITIONS SECONDS
"""

import itertools
import json
import random
import sys
import time

import pymongo
from pymongo.errors import BulkWriteError, OperationFailure

uri, key, units, partitions, seconds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5]), float(sys.argv[5])
database = pymongo.MongoClient(uri, retryWrites=False).simulated
name = "by" + key
database.command({"customAction": "CreateCollection", "collection": name, "shardKey": key, "offerThroughput": units * partitions})
things, dice = database[name], random.Random(7)
users = list(itertools.accumulate(1 / rank for rank in range(1, 2001)))

def make():
    user = dice.choices(range(len(users)), cum_weights=users)[0]
    return {"_id": "gen_%032x" % dice.getrandbits(128), "user_id": "user_%04d" % user, "status": "pending", "prompt": "x" * 4000}

things.insert_one(make())
cost = database.command("getLastRequestStatistics")["RequestCharge"]
pace = units * partitions / cost  # documents a second
began, sent, taken = time.monotonic(), 0, 0
while (now := time.monotonic() - began) < seconds:
    due = min(int(now * pace) - sent, 500)
    if due < 1:
        time.sleep(0.002)
        continue
    sent += due
    try:
        taken += len(things.insert_many([make() for _ in range(due)], ordered=False).inserted_ids)
    except BulkWriteError as error:
        assert all(one["code"] == 16500 for one in error.details["writeErrors"]), error.details["writeErrors"][0]
        taken += error.details["nInserted"]
took = time.monotonic() - began
while True:  # what has to be looked at is looked at when there are units again
    try:
        plan = database.command("explain", {"find": name, "filter": {}}, verbosity="executionStats")
        break
    except OperationFailure as error:
        if error.code != 16500:
            raise
        time.sleep(0.05)
held = [part["retrievedDocumentCount"] for part in plan["stages"][0]["details"]["shardInformation"]]
print(json.dumps({"cost": cost, "offered": sent * cost / took, "taken": taken * cost / took, "held": held}))
