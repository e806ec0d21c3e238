"""pymongo on the server of run.py: grants credits, reads the account books, and does what a tutorial's back end
does under load. Prints JSON."""

import collections
import concurrent.futures
import json
import sys
import threading
import time

import bson
import pymongo
from pymongo.errors import DuplicateKeyError, PyMongoError

uri, what, *arguments = sys.argv[1:]
database = pymongo.MongoClient(uri).imagegenerator
PAGE = 100


def patiently(action):
    while True:
        try:
            return action()
        except PyMongoError as error:
            if getattr(error, "code", None) != 16500:
                raise
            time.sleep(0.1)


def everything(collection, *fields):
    """In pages by `_id`, for the server is slow and a whole scan is refused half way."""
    last = ""
    while page := patiently(lambda: list(collection.find({"_id": {"$gt": last}}, fields).sort("_id", 1).limit(PAGE))):
        yield from page
        last = page[-1]["_id"]


def grant(credits):
    for user in everything(database.users, "email"):
        patiently(lambda: database.users.update_one({"_id": user["_id"]}, {"$set": {"credits_remaining": bson.int64.Int64(credits)}}))
    return {}


def account():
    users = list(everything(database.users, "credits_remaining", "pending_charges"))
    generations = [one for one in everything(database.generations, "cost_credits", "voided_at") if "voided_at" not in one]
    entries = everything(database.usage_logs, "credits_used")
    return {"generations": [one["_id"] for one in generations],
            "cost": sum(one["cost_credits"] for one in generations),
            "spent": sum(1_000_000 - user["credits_remaining"] for user in users),
            "holds": sum(len(user.get("pending_charges", [])) for user in users),
            "logged": sum(entry["credits_used"] for entry in entries)}


def tutorial(users, credits, rate, seconds):
    """Take a credit, insert the generation, log it; on an error once more from the start, and then a 500."""
    for user in range(int(users)):
        patiently(lambda: database.users.insert_one({"_id": f"user{user}", "credits_remaining": int(credits)}))
    tally, lock = collections.Counter(), threading.Lock()

    def create(number):
        user, name = f"user{number % int(users)}", f"gen{number}"
        for _ in range(2):
            try:
                database.users.update_one({"_id": user, "credits_remaining": {"$gte": 1}}, {"$inc": {"credits_remaining": -1}})
                database.generations.insert_one({"_id": name, "user_id": user, "prompt": "x" * 200})
                database.usage_logs.insert_one({"user_id": user, "generation": name, "credits_used": 1})
            except DuplicateKeyError:
                break  # it is there: the first try got so far
            except PyMongoError:
                continue
            with lock:
                tally["answered"] += 1
            return
        with lock:
            tally["failed"] += 1

    started, count = time.monotonic(), int(float(rate) * float(seconds))
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        for number in range(count):
            time.sleep(max(0.0, started + number / float(rate) - time.monotonic()))
            pool.submit(create, number)
    made = sum(1 for _ in everything(database.generations, "user_id"))
    spent = sum(int(credits) - user["credits_remaining"] for user in everything(database.users, "credits_remaining"))
    logged = patiently(lambda: database.usage_logs.count_documents({}))
    return {"asked": count, "answered": tally["answered"], "failed": tally["failed"], "unlogged": made - logged,
            "paid_for_nothing": max(0, spent - made), "twice": max(0, made - tally["answered"]), "credits_off": spent - tally["answered"]}


def share(units):
    database.command({"customAction": "CreateDatabase", "offerThroughput": units})
    return {}


print(json.dumps({"share": lambda: share(int(arguments[0])), "grant": lambda: grant(int(arguments[0])), "account": account,
                  "tutorial": lambda: tutorial(*arguments)}[what]()))
