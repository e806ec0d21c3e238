"""Changes documents of a collection that is sharded by KEY, at the pace of one and a half budgets, and tells what was
taken: a line of JSON. Run by bench/partitions.py, where pymongo is. A document has 30 indexed terms, so that a change costs
much and one machine can offer what a hundred partitions take.

    change_by_key.py URI KEY UNITS PARTITIONS SECONDS
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
indexes = [{"key": {path: 1}, "name": path + "_1"} for path in ("_id", "tags")]
FILLING = min(40_000, 1_000_000 // partitions)  # units of a partition while the documents are made
things, dice = database["by" + key], random.Random(7)
database.command({
    "customAction": "CreateCollection", "collection": things.name, "shardKey": key,
    "offerThroughput": FILLING * partitions, "indexes": indexes,
})  # fmt: skip
users = list(itertools.accumulate(1 / rank for rank in range(1, 2001)))


def refused(details):
    """For the rate, that is, and nothing else."""
    assert all(one["code"] == 16500 for one in details["writeErrors"]), details["writeErrors"][0]


def when_there_are_units(ask):
    while True:
        try:
            return ask()
        except OperationFailure as error:
            if error.code != 16500:
                raise
            time.sleep(0.05)


def make():
    user = dice.choices(range(len(users)), cum_weights=users)[0]
    tags = [dice.getrandbits(31) for _ in range(30)]
    return {"_id": "gen_%032x" % dice.getrandbits(128), "user_id": "user_%04d" % user, "status": "pending", "tags": tags}


def change(one):
    return pymongo.UpdateOne({"_id": one["_id"], key: one[key]}, {"$inc": {"changed": 1}})


def fill(left):
    while left:
        try:
            things.insert_many(left[:100])
            left = left[100:]
        except BulkWriteError as error:  # those before the one that was refused are there
            refused(error.details)
            left = left[error.details["nInserted"] :]
            time.sleep(0.05)


made = [make() for _ in range(max(500, 80 * partitions))]
fill(made)
database.command({"customAction": "UpdateCollection", "collection": things.name, "offerThroughput": units * partitions})
when_there_are_units(lambda: things.find_one_and_update({"_id": made[0]["_id"], key: made[0][key]}, {"$inc": {"changed": 1}}))
cost = database.command("getLastRequestStatistics")["RequestCharge"]
pace = 1.5 * units * partitions / cost  # changes a second; with one budget, what falls unevenly into seconds is lost
began, sent, taken = time.monotonic(), 0, 0
while (now := time.monotonic() - began) < seconds:
    due = min(int(now * pace) - sent, 500)
    if due < 1:
        time.sleep(0.002)
        continue
    sent += due
    try:
        taken += things.bulk_write([change(dice.choice(made)) for _ in range(due)], ordered=False).modified_count
    except BulkWriteError as error:
        refused(error.details)
        taken += error.details["nModified"]
took = time.monotonic() - began
ask = {"explain": {"find": things.name, "filter": {}}}
plan = when_there_are_units(lambda: database.command(ask))
held = [part["retrievedDocumentCount"] for part in plan["stages"][0]["details"]["shardInformation"]]
print(json.dumps({"cost": cost, "offered": sent * cost / took, "taken": taken * cost / took, "held": held}))
