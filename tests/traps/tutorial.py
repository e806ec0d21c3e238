"""The tutorial's half: pymongo as most introductions use it. Each function asserts the failure that
`docs/COSMOS_EMULATOR.md` describes and returns the server's own words."""

import datetime
import time

import pymongo
from halves import cosmos, run_all, trap
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError, WriteError

UTC = datetime.timezone.utc


def connect(uri, **options):
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=10_000, **{"retryWrites": False, **options})


def refused(code, text, action):
    """The words of the refusal, which must have this code and hold this text."""
    try:
        action()
    except PyMongoError as error:
        found = getattr(error, "code", None)
        assert found == code, f"expected code {code}, found {found}: {error}"
        assert text in str(error), f"expected {text!r} in {error}"
        return str(error)
    raise AssertionError(f"nothing was refused; expected code {code}")


@trap("retryable writes are the driver's default")
def retryable_writes():
    with cosmos() as uri:
        users = pymongo.MongoClient(uri).app.users  # as every tutorial connects
        words = refused(2, "Retryable writes are not supported", lambda: users.insert_one({"email": "a@example.com"}))
        # What has many documents carries no number, and hides the cause.
        users.update_many({}, {"$set": {"seen": 1}})
        return words


@trap("a sort without an index is an error")
def sort_without_index():
    with cosmos() as uri:
        generations = connect(uri).app.generations
        generations.insert_one({"user": 1, "created_at": datetime.datetime.now(UTC)})
        return refused(2, "order-by item is excluded",
                       lambda: list(generations.find({"user": 1}).sort("created_at", -1)))


@trap("a sort of two fields needs its very index")
def sort_of_two():
    with cosmos() as uri:
        generations = connect(uri).app.generations
        generations.insert_one({"user": 1, "n": 1})
        generations.create_index([("user", 1)])
        generations.create_index([("n", 1)])
        words = refused(2, "composite index", lambda: list(generations.find().sort([("user", 1), ("n", -1)])))
        generations.create_index([("user", 1), ("n", -1)])
        assert list(generations.find().sort([("user", -1), ("n", 1)])), "the reversed order is served too"
        return words


@trap("a compound index serves no filter")
def compound_serves_no_filter():
    with cosmos(ru=1_000_000) as uri:
        app = connect(uri).app
        app.generations.create_index([("user", 1), ("status", 1)])
        for batch in range(5):
            app.generations.insert_many([{"user": i, "status": "done", "text": "x" * 400} for i in range(1000)])
        list(app.generations.find({"user": 3, "status": "done"}))
        scanned = app.command("getLastRequestStatistics")["RequestCharge"]
        app.generations.create_index("user")
        list(app.generations.find({"user": 3, "status": "done"}))
        served = app.command("getLastRequestStatistics")["RequestCharge"]
        assert scanned > 5 * served, (scanned, served)
        return f"{scanned:.1f} RU with the compound index alone, {served:.1f} with one on the field"


@trap("a unique index on a collection in use")
def unique_too_late():
    with cosmos() as uri:
        users = connect(uri).app.users
        users.insert_one({"email": "a@example.com"})
        return refused(67, "Cannot create unique index when collection contains documents",
                       lambda: users.create_index("email", unique=True))


@trap("sparse is taken and means nothing")
def sparse_means_nothing():
    with cosmos() as uri:
        generations = connect(uri).app.generations
        generations.create_index("prediction_id", unique=True, sparse=True)
        generations.insert_one({"prompt": "the first without a prediction"})
        return refused(11000, "E11000", lambda: generations.insert_one({"prompt": "the second"}))


@trap("a TTL index on a date of one's own")
def ttl_on_a_date():
    with cosmos() as uri:
        logs = connect(uri).app.logs
        return refused(2, "supported on '_ts' field only",
                       lambda: logs.create_index("expires_at", expireAfterSeconds=0))


@trap("an update postpones the end")
def update_postpones():
    with cosmos() as uri:
        sessions = connect(uri).app.sessions
        sessions.create_index("_ts", expireAfterSeconds=3)
        sessions.insert_many([{"_id": "touched"}, {"_id": "left alone"}])
        until = time.monotonic() + 60
        while sessions.find_one({"_id": "left alone"}):
            sessions.update_one({"_id": "touched"}, {"$inc": {"seen": 1}})  # last_seen, as everybody writes it
            assert time.monotonic() < until, "nothing ever expired"
            time.sleep(0.2)
        assert sessions.find_one({"_id": "touched"}), "it expired though it was written to"
        return "the session that was made to last 3 s is there as long as it is looked at"


@trap("epoch seconds in a TTL field are milliseconds")
def epoch_seconds():
    with cosmos("--capability", "EnableTtlOnCustomPath") as uri:
        logs = connect(uri).app.logs
        logs.create_index("expires_at", expireAfterSeconds=0)
        logs.insert_one({"_id": 1, "expires_at": int(time.time()) + 3600})
        assert logs.find_one({"_id": 1}) is None, "it should have expired in January 1970"
        return "what was to live for an hour is gone at once"


@trap("a whole batch is sent again")
def batch_again():
    with cosmos(ru=400) as uri:
        items = connect(uri).app.items
        batch = [{"_id": i, "text": "x" * 500} for i in range(100)]
        try:
            items.insert_many(batch)
        except BulkWriteError as error:
            first = error.details["writeErrors"][0]
        else:
            raise AssertionError("100 inserts within one second's 400 RU")
        assert first["code"] == 16500 and "no changes were made" in first["errmsg"], first
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                items.insert_many(batch)
            except BulkWriteError as error:
                second = error.details["writeErrors"][0]
                if second["code"] == 11000:  # a part of the first one is there all the same
                    return f"{first['errmsg'][:60]}... then {second['errmsg']}"
        raise AssertionError("the second time went well")


@trap("what is throttled fails the request")
def throttled():
    with cosmos(ru=400) as uri:
        users = connect(uri).app.users
        failures = 0
        for i in range(200):
            try:
                users.insert_one({"_id": i})
            except (WriteError, OperationFailure) as error:
                assert error.code == 16500, error
                failures += 1
        assert failures > 50, failures
        return f"{failures} of 200 inserts are lost at 400 RU/s"


@trap("which field collided")
def which_field():
    with cosmos() as uri:
        users = connect(uri).app.users
        users.create_index("email", unique=True)
        users.insert_one({"email": "a@example.com"})
        try:
            users.insert_one({"email": "a@example.com"})
        except DuplicateKeyError as error:
            assert "keyPattern" not in error.details and "email" not in str(error).split("collection:")[1], error
            return str(error.details["errmsg"])
        raise AssertionError("no duplicate")


@trap("a transaction over two collections")
def transaction():
    with cosmos() as uri:
        client = connect(uri)
        client.app.users.insert_one({"_id": 1, "credits": 5})
        client.app.generations.insert_one({"_id": 0})

        def charge():
            with client.start_session() as session, session.start_transaction():
                client.app.users.update_one({"_id": 1}, {"$inc": {"credits": -1}}, session=session)
                client.app.generations.insert_one({"_id": 1}, session=session)

        words = refused(50841, "Multi-document transactions cannot be run in a sharded collection", charge)
        assert client.app.users.find_one({"_id": 1})["credits"] == 5, "half of it happened"
        assert client.app.generations.count_documents({}) == 1, "half of it happened"
        return words


@trap("commands and stages that are not there")
def not_there():
    with cosmos() as uri:
        app = connect(uri).app
        app.things.insert_one({"a": 1})
        words = refused(115, "not supported", lambda: app.command("collMod", "things", validator={}))
        refused(40324, "$graphLookup", lambda: list(app.things.aggregate([{"$graphLookup": {
            "from": "things", "startWith": "$a", "connectFromField": "a", "connectToField": "b", "as": "c"}}])))
        refused(2, "unknown top level operator: $text", lambda: list(app.things.find({"$text": {"$search": "sunset"}})))
        return words


@trap("an index at start-up makes the collection")
def index_makes_collection():
    with cosmos() as uri:
        app = connect(uri).app
        app.generations.create_index("created_at")
        made = app.command({"customAction": "GetCollection", "collection": "generations"})
        assert "shardKeyDefinition" not in made and made.get("provisionedThroughput") == 4000, made
        return f"unsharded for good: {made}"


if __name__ == "__main__":
    run_all()
