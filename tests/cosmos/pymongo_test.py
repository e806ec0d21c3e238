# account: --ru 400 --server-version 4.2
"""The first things that a client of Cosmos DB meets."""

import pathlib
import sys
import time

import pymongo
from pymongo import errors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.harness import Checks

URI = sys.argv[1]
checks = Checks()


def refused(run):
    try:
        run()
    except errors.PyMongoError as error:
        return error
    return None


def statistics(database):
    return database.command("getLastRequestStatistics", 1)


# As Azure's portal writes it, without the log-in.
client = pymongo.MongoClient(URI + "?replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000", maxPoolSize=1)
database = client.shop
hello = client.admin.command("hello")
checks.check("the handshake is a replica set's", hello["setName"] == "globaldb", str(hello))
checks.check("with the region as a tag", hello["tags"] == {"region": "West US"}, str(hello))
checks.check("wire version 8", hello["maxWireVersion"] == 8, str(hello))
checks.check("buildInfo says 4.2.0", client.server_info()["version"] == "4.2.0")

retrying = pymongo.MongoClient(URI + "?replicaSet=globaldb")
error = refused(lambda: retrying.shop.users.insert_one({"_id": 1}))
checks.check("a numbered write is refused", error.code == 2 and "retrywrites=false" in str(error), str(error))
retrying.close()

database.users.insert_one({"_id": 1, "email": "a@b.c"})
found = statistics(database)
checks.check("an insert is charged", found["CommandName"] == "insert" and 7 < found["RequestCharge"] < 12, str(found))
checks.check("the charge is a double", isinstance(found["RequestCharge"], float), str(found))
database.users.find_one({"_id": 1})
checks.check("a point read is one unit", statistics(database)["RequestCharge"] == 1.0, str(statistics(database)))

error = refused(lambda: database.users.insert_one({"_id": 1}))
checks.check(
    "E11000 without an index's name",
    error.details["errmsg"] == "E11000 duplicate key error collection: shop.users. Failed _id or unique index constraint."
    and "keyPattern" not in error.details,
    str(error.details),
)
error = refused(lambda: list(database.users.find().sort("email", 1)))
checks.check("a sort without an index is code 2", error.code == 2 and "order-by item is excluded" in str(error), str(error))
error = refused(lambda: database.users.create_index("email", unique=True))
checks.check("a unique index needs an empty collection", error.code == 67, str(error))

time.sleep(1 - time.monotonic() % 1)
error = refused(lambda: database.many.insert_many([{"_id": i} for i in range(100)], ordered=True))
refusals = error.details["writeErrors"]
checks.check("a batch is refused by item", len(refusals) == 1 and refusals[0]["code"] == 16500, str(error.details))
checks.check("what was before it is done", error.details["nInserted"] == refusals[0]["index"] > 20, str(error.details))
checks.check("RetryAfterMs is told", "RetryAfterMs=" in refusals[0]["errmsg"], str(refusals))
time.sleep(1.1)
checks.check("a second later there is budget", refused(lambda: database.many.insert_one({"_id": 1000})) is None)
checks.close()
