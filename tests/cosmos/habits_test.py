# account: --ru 1000
"""What a tutorial's habits do on Cosmos DB (RU): each fails, or does something else than it says."""

import datetime
import pathlib
import sys
import time

import pymongo
from pymongo import errors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.harness import Checks

URI = sys.argv[1]
checks = Checks()
client = pymongo.MongoClient(URI + "?replicaSet=globaldb&retrywrites=false")
database = client.tutorial


def refused(run):
    try:
        run()
    except errors.PyMongoError as error:
        return error
    return None


def code_of(error):
    return getattr(error, "code", None)


def check_code(name, run, code, text=""):
    error = refused(run)
    checks.check(name, error is not None and code_of(error) == code and text in str(error), str(error))


def default_uri():
    tutorial = pymongo.MongoClient(URI)
    for name, write in [
        ("insert_one", lambda c: c.insert_one({})),
        ("insert_many", lambda c: c.insert_many([{}])),
        ("update_one", lambda c: c.update_one({}, {"$set": {"a": 1}})),
        ("delete_one", lambda c: c.delete_one({})),
        ("find_one_and_update", lambda c: c.find_one_and_update({}, {"$set": {"a": 1}})),
    ]:
        check_code(f"retryable {name} is refused", lambda: write(tutorial.tutorial.retry), 2, "retrywrites=false")
    checks.check("update_many hides the cause: it has no number", refused(lambda: tutorial.tutorial.retry.update_many({}, {"$set": {"a": 1}})) is None)
    tutorial.close()


def sorts():
    database.posts.insert_one({"created_at": 1, "score": 1})
    check_code("sort by a field without an index", lambda: list(database.posts.find().sort("created_at", -1)), 2, "order-by item is excluded")
    database.posts.create_index("created_at")
    database.posts.create_index("score")
    keys = [("created_at", -1), ("score", 1)]
    check_code("single-field indexes do not sort by two", lambda: list(database.posts.find().sort(keys)), 2, "composite index")
    database.posts.create_index(keys)
    checks.check("a compound index does", refused(lambda: list(database.posts.find().sort(keys))) is None)
    backwards = [("created_at", 1), ("score", -1)]
    checks.check("and all of it reversed", refused(lambda: list(database.posts.find().sort(backwards))) is None)


def unique():
    database.members.insert_one({"email": "a@b.c"})
    check_code("a unique index at startup, on what is there", lambda: database.members.create_index("email", unique=True), 67)
    database.linked.create_index("provider_id", unique=True, sparse=True)
    database.linked.insert_one({"name": "first"})
    error = refused(lambda: database.linked.insert_one({"name": "second"}))
    checks.check("sparse is ignored: two without the field collide", isinstance(error, errors.DuplicateKeyError), str(error))
    checks.check("and nobody is told of what", "keyPattern" not in error.details, str(error.details))


def time_to_live():
    run = lambda: database.sessions.create_index("expires_at", expireAfterSeconds=0)
    check_code("a TTL index on the tutorial's field", run, 2, "supported on '_ts' field only")
    database.sessions.create_index("_ts", expireAfterSeconds=2)
    database.sessions.insert_one({"_id": 1, "expires_at": datetime.datetime(2000, 1, 1)})
    database.sessions.insert_one({"_id": 2})
    time.sleep(1.2)
    database.sessions.update_one({"_id": 2}, {"$set": {"last_seen": 1}})
    time.sleep(1.2)
    left = [found["_id"] for found in database.sessions.find()]
    checks.check("last_seen postpones the end, and the other one is gone", left == [2], str(left))


def batches():
    documents = [{"_id": i, "fill": "x" * 100} for i in range(400)]
    time.sleep(1 - time.time() % 1)
    error = refused(lambda: database.imports.insert_many(documents))
    checks.check("insert_many is done in part", isinstance(error, errors.BulkWriteError) and error.details["nInserted"] > 0, str(error)[:300])
    checks.check("though the message says that nothing was", "no changes were made" in error.details["writeErrors"][0]["errmsg"])
    time.sleep(1.1)
    error = refused(lambda: database.imports.insert_many(documents))
    codes = {one["code"] for one in error.details["writeErrors"]}
    checks.check("so the whole batch again meets its own documents", codes == {11000}, str(codes))


def what_is_not_there():
    time.sleep(1.1)
    with client.start_session() as session:
        def both():
            with session.start_transaction():
                database.a.insert_one({}, session=session)
                database.b.insert_one({}, session=session)
        check_code("a transaction over two collections", both, 50841)
    database.posts.insert_one({})
    check_code("watch() as it stands", lambda: next(database.posts.watch(max_await_time_ms=50)), 2)
    check_code("collMod", lambda: database.command("collMod", "posts"), 115, "Command collMod not supported.")
    check_code("serverStatus", lambda: database.command("serverStatus"), 115)
    check_code("$graphLookup", lambda: list(database.posts.aggregate([{"$graphLookup": {}}])), 40324)
    lookup = {"$lookup": {"from": "members", "let": {"x": "$y"}, "pipeline": [], "as": "z"}}
    check_code("$lookup with a pipeline", lambda: list(database.posts.aggregate([lookup])), 9)
    check_code("$text", lambda: list(database.posts.find({"$text": {"$search": "x"}})), 2)


def change_streams():
    database.events.insert_one({"_id": 0})
    pipeline = [
        {"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}},
        {"$project": {"_id": 1, "fullDocument": 1, "ns": 1, "documentKey": 1}},
    ]
    with database.events.watch(pipeline, full_document="updateLookup", max_await_time_ms=500) as stream:
        database.events.insert_one({"_id": 1, "status": "pending"})
        database.events.update_one({"_id": 1}, {"$set": {"status": "done"}})
        database.events.delete_one({"_id": 0})
        event = stream.try_next()
        checks.check("a change stream in its one form", event["fullDocument"] == {"_id": 1, "status": "done"}, str(event))
        checks.check("tells no operation", "operationType" not in event and "updateDescription" not in event, str(event))
        checks.check("and no delete", stream.try_next() is None)
        token = stream.resume_token
    database.events.insert_one({"_id": 2})
    with database.events.watch(pipeline, full_document="updateLookup", resume_after=token, max_await_time_ms=500) as stream:
        event = stream.try_next()
        checks.check("and is resumed behind its page", event["fullDocument"] == {"_id": 2}, str(event))


for habit in [default_uri, sorts, unique, time_to_live, batches, what_is_not_there, change_streams]:
    time.sleep(1.1)  # each begins with a budget of its own
    checks.run(habit.__name__, habit)
checks.close()
