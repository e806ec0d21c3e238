# account: --ru 400 --ssr --capability EnableMongoRetryableWrites --server-version 7.0
"""An account that waits instead of refusing, and knows numbered writes."""

import pathlib
import sys
import time

import pymongo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.harness import Checks

URI = sys.argv[1]
checks = Checks()
client = pymongo.MongoClient(URI + "?replicaSet=globaldb", maxPoolSize=1)
database = client.shop

checks.check("the version that was asked for", client.server_info()["version"] == "7.0.0")
database.users.insert_one({"_id": 1, "n": 0})
checks.check("a numbered write is done", database.users.find_one()["n"] == 0)

begun = time.monotonic()
database.many.insert_many([{"_id": i} for i in range(200)])
took = time.monotonic() - begun
# Of four windows, each overdrawn by its last item, the first may be nearly over and the last has just begun.
checks.check("1,620 units take four windows at 400", 2 < took < 30, f"{took:.1f} s")
found = database.command("getLastRequestStatistics")
checks.check("the statistics tell of the wait", found["RetriedDueToRateLimiting"] and found["EstimatedDelayFromRateLimitingInMilliseconds"] > 1000, str(found))
checks.check("and of all that was charged", 1500 < found["RequestCharge"] < 1700, str(found))

made = database.command({"customAction": "CreateCollection", "collection": "orders", "shardKey": "customer", "offerThroughput": 1000})
checks.check("a sharded collection", made["ok"] == 1, str(made))
try:
    database.orders.update_one({"_id": 1}, {"$set": {"a": 1}})
    checks.check("a numbered update wants the shard key", False)
except pymongo.errors.OperationFailure as error:
    checks.check("a numbered update wants the shard key", error.code == 61, str(error))
database.orders.update_one({"_id": 1, "customer": "c"}, {"$set": {"a": 1}}, upsert=True)
checks.check("and is done with it", database.orders.find_one({"customer": "c"})["a"] == 1)
told = database.command({"customAction": "GetCollection", "collection": "orders"})
checks.check("GetCollection", told["provisionedThroughput"] == 1000 and "customer" in told["shardKeyDefinition"], str(told))
explained = database.command("explain", {"find": "orders", "filter": {"_id": 1, "customer": "c"}})
checks.check("explain tells the charge", explained["stages"][0]["stage"] == "$pointLookup" and explained["totalRequestCharge"] == 1.0, str(explained))
checks.close()
