#!/usr/bin/env python3
"""pymongo against a server: CRUD, indexes, aggregation, cursors, SCRAM.

    pymongo_test.py URI        (or GESSO_TEST_URI)

Works in a database of its own. The part on users runs where users may be made.
"""

import datetime
import os
import sys
import traceback
import uuid

import bson
import pymongo
from pymongo import errors

URI = sys.argv[1] if len(sys.argv) > 1 else os.environ["GESSO_TEST_URI"]
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def equal(found, expected):
    assert found == expected, f"expected {expected!r}, found {found!r}"


def raises(code, work):
    try:
        work()
    except errors.OperationFailure as error:
        equal(error.code, code)
        return error
    raise AssertionError(f"expected error {code}, found none")


@check
def handshake(db):
    """The server looks like a standalone MongoDB 7."""
    hello = db.client.admin.command("hello")
    assert hello["isWritablePrimary"] and "setName" not in hello and "msg" not in hello
    equal(db.client.server_info()["versionArray"][0], 7)


@check
def insert_and_find_every_type(db):
    document = {
        "_id": "all",
        "double": 1.5,
        "string": "grüße \u0000 nul",
        "document": {"z": 1, "a": {"b": []}},
        "array": [1, [2, [3]], {"x": None}],
        "binary": b"\x00\xff",
        "uuid": bson.Binary.from_uuid(uuid.UUID(int=5)),
        "id": bson.ObjectId("0123456789abcdef01234567"),
        "bool": True,
        "date": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
        "null": None,
        "regex": bson.Regex("^a", "im"),
        "code": bson.Code("x"),
        "scoped": bson.Code("x", {"y": 1}),
        "int": 2**31 - 1,
        "timestamp": bson.Timestamp(5, 6),
        "long": bson.Int64(5),
        "big": 2**62,
        "decimal": bson.Decimal128("1.10"),
        "min": bson.MinKey(),
        "max": bson.MaxKey(),
    }
    equal(db.c.insert_one(document).inserted_id, "all")
    raw = db.get_collection("c", codec_options=bson.CodecOptions(document_class=bson.raw_bson.RawBSONDocument))
    equal(raw.find_one({"_id": "all"}).raw, bson.encode(document))


@check
def insert_many_past_one_message(db):
    blob = "x" * 1000
    equal(len(db.c.insert_many({"_id": i, "blob": blob} for i in range(3000)).inserted_ids), 3000)
    equal(db.c.estimated_document_count(), 3000)


@check
def find_filters_sorts_pages(db):
    db.c.insert_many({"_id": i, "n": i % 10, "tags": [i, i + 1]} for i in range(100))
    equal([d["_id"] for d in db.c.find({"n": 3}).sort("_id", -1).skip(2).limit(3)], [73, 63, 53])
    equal([d["_id"] for d in db.c.find({"$or": [{"_id": {"$lt": 2}}, {"tags": 50}]}).sort("_id")], [0, 1, 49, 50])
    equal(db.c.find_one({"_id": 5}, {"n": 1, "_id": 0}), {"n": 5})
    equal(db.c.find_one({"_id": 5}, {"tags": {"$slice": 1}}), {"_id": 5, "n": 5, "tags": [5]})
    equal(db.c.find_one({"_id": 1000}), None)


@check
def cursors_fetch_in_batches(db):
    db.c.insert_many({"_id": i} for i in range(1000))
    for batch in (1, 7, 101, 1000, 5000):
        limit = 20 if batch == 1 else 1000
        equal([d["_id"] for d in db.c.find().batch_size(batch).limit(limit)], list(range(limit)))
    equal([d["_id"] for d in db.c.find().sort("_id", -1).batch_size(300)], list(range(999, -1, -1)))
    cursor = db.c.find(batch_size=10)
    next(cursor)
    cursor_id = cursor.cursor_id
    assert cursor_id
    cursor.close()
    raises(43, lambda: db.command("getMore", bson.Int64(cursor_id), collection="c"))


@check
def a_cursor_sees_writes_between_its_batches(db):
    db.c.insert_many({"_id": i} for i in range(10))
    cursor = db.c.find(batch_size=2)
    equal([next(cursor)["_id"], next(cursor)["_id"]], [0, 1])
    db.c.delete_many({"_id": {"$in": [2, 3]}})
    db.c.insert_one({"_id": 10})
    equal([d["_id"] for d in cursor], [4, 5, 6, 7, 8, 9, 10])


@check
def updates(db):
    db.c.insert_many([{"_id": 1, "n": 1, "list": [1, 2, 3]}, {"_id": 2, "n": 2}])
    equal(db.c.update_one({"_id": 1}, {"$inc": {"n": 5}, "$push": {"list": 4}}).modified_count, 1)
    equal(db.c.update_many({}, {"$set": {"seen": True}}).modified_count, 2)
    equal(db.c.update_one({"_id": 2}, {"$set": {"n": 2}}).modified_count, 0)
    equal(db.c.update_one({"_id": 3}, {"$setOnInsert": {"n": 3}}, upsert=True).upserted_id, 3)
    equal(db.c.replace_one({"_id": 2}, {"n": 20}).matched_count, 1)
    equal(list(db.c.find()), [{"_id": 1, "n": 6, "list": [1, 2, 3, 4], "seen": True}, {"_id": 2, "n": 20}, {"_id": 3, "n": 3}])
    db.c.update_one({"_id": 1}, {"$set": {"list.$[big]": 0}}, array_filters=[{"big": {"$gte": 3}}])
    equal(db.c.find_one({"_id": 1})["list"], [1, 2, 0, 0])
    raises(66, lambda: db.c.update_one({"_id": 1}, {"$set": {"_id": 9}}))


@check
def find_one_and(db):
    db.c.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
    after = pymongo.ReturnDocument.AFTER
    equal(db.c.find_one_and_update({}, {"$inc": {"n": 1}}, sort=[("n", -1)]), {"_id": 2, "n": 2})
    equal(db.c.find_one_and_update({"_id": 2}, {"$inc": {"n": 1}}, return_document=after), {"_id": 2, "n": 4})
    equal(db.c.find_one_and_update({"_id": 9}, {"$set": {"n": 9}}, upsert=True, return_document=after), {"_id": 9, "n": 9})
    equal(db.c.find_one_and_replace({"_id": 9}, {"m": 1}), {"_id": 9, "n": 9})
    equal(db.c.find_one_and_delete({"_id": 9}), {"_id": 9, "m": 1})
    equal(db.c.find_one_and_delete({"_id": 9}), None)


@check
def bulk_writes(db):
    result = db.c.bulk_write(
        [
            pymongo.InsertOne({"_id": 1, "n": 1}),
            pymongo.UpdateOne({"_id": 1}, {"$inc": {"n": 1}}),
            pymongo.UpdateOne({"_id": 2}, {"$set": {"n": 2}}, upsert=True),
            pymongo.ReplaceOne({"_id": 2}, {"n": 5}),
            pymongo.DeleteOne({"_id": 1}),
        ]
    ).bulk_api_result
    equal([result[key] for key in ("nInserted", "nMatched", "nModified", "nUpserted", "nRemoved")], [1, 2, 2, 1, 1])
    try:
        db.c.insert_many([{"_id": 5}, {"_id": 5}, {"_id": 6}], ordered=False)
        raise AssertionError("no error")
    except errors.BulkWriteError as error:
        equal(error.details["nInserted"], 2)
        equal([e["index"] for e in error.details["writeErrors"]], [1])


@check
def unacknowledged_writes_arrive(db):
    silent = db.c.with_options(write_concern=pymongo.WriteConcern(w=0))
    assert not silent.insert_one({"_id": 1}).acknowledged
    # Another connection of the pool may be faster than the one that wrote.
    for _ in range(1000):
        if db.c.find_one({"_id": 1}):
            return
    raise AssertionError("the document did not arrive")


@check
def indexes(db):
    equal(db.c.create_index([("a", 1), ("b", -1)]), "a_1_b_-1")
    equal(db.c.create_index("email", unique=True, partialFilterExpression={"email": {"$exists": True}}), "email_1")
    equal(db.c.create_index("at", expireAfterSeconds=60), "at_1")
    equal(db.c.create_index([("a", 1), ("b", -1)]), "a_1_b_-1")
    information = db.c.index_information()
    equal(sorted(information), ["_id_", "a_1_b_-1", "at_1", "email_1"])
    equal(information["at_1"]["expireAfterSeconds"], 60)
    raises(86, lambda: db.c.create_index([("a", 1), ("b", -1)], unique=True))
    db.c.insert_many([{"email": "a"}, {}, {}])
    error = raises(11000, lambda: db.c.insert_one({"email": "a"}))
    equal(error.details["keyPattern"], {"email": 1})
    equal(error.details["keyValue"], {"email": "a"})
    db.c.drop_index("email_1")
    db.c.insert_one({"email": "a"})
    raises(11000, lambda: db.c.create_index("email", unique=True))
    raises(27, lambda: db.c.drop_index("nothing"))
    db.c.drop_indexes()
    equal(list(db.c.index_information()), ["_id_"])


@check
def plans_use_indexes(db):
    db.c.create_index([("user", 1), ("at", -1)])
    db.c.insert_many({"user": i % 5, "at": i} for i in range(100))

    def stages(plan):
        return [plan["stage"]] + (stages(plan["inputStage"]) if "inputStage" in plan else [])

    plan = db.c.find({"user": 3}).sort("at", -1).explain()
    equal(stages(plan["queryPlanner"]["winningPlan"]), ["FETCH", "IXSCAN"])
    equal(plan["executionStats"]["nReturned"], 20)
    equal(plan["executionStats"]["totalDocsExamined"], 20)
    plan = db.c.find({"other": 3}).explain()
    equal(stages(plan["queryPlanner"]["winningPlan"])[-1], "COLLSCAN")
    equal([d["at"] for d in db.c.find({"user": 3}).sort("at", -1).limit(3)], [98, 93, 88])
    equal(db.c.find({"user": 3}).hint([("user", 1), ("at", -1)]).limit(1).next()["user"], 3)
    raises(2, lambda: list(db.c.find().hint("nothing")))


@check
def aggregation(db):
    db.c.insert_many({"_id": i, "kind": "ab"[i % 2], "n": i, "tags": ["x", "y"][: i % 3]} for i in range(10))
    equal(
        list(db.c.aggregate([{"$group": {"_id": "$kind", "sum": {"$sum": "$n"}, "most": {"$max": "$n"}}}, {"$sort": {"_id": 1}}])),
        [{"_id": "a", "sum": 20, "most": 8}, {"_id": "b", "sum": 25, "most": 9}],
    )
    equal(list(db.c.aggregate([{"$match": {"n": {"$gte": 5}}}, {"$count": "n"}])), [{"n": 5}])
    equal(list(db.c.aggregate([{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])),
          [{"_id": "x", "n": 6}, {"_id": "y", "n": 3}])
    equal(list(db.c.aggregate([{"$match": {"_id": 3}}, {"$project": {"_id": 0, "double": {"$multiply": ["$n", 2]}}}])), [{"double": 6}])
    facets = list(db.c.aggregate([{"$facet": {"few": [{"$sort": {"n": -1}}, {"$limit": 1}], "all": [{"$count": "n"}]}}]))
    equal(facets[0]["few"][0]["_id"], 9)
    equal(facets[0]["all"], [{"n": 10}])
    db.kinds.insert_many([{"_id": "a", "name": "A"}, {"_id": "b", "name": "B"}])
    joined = list(db.c.aggregate([{"$match": {"_id": {"$lt": 2}}}, {"$sort": {"_id": 1}},
                                  {"$lookup": {"from": "kinds", "localField": "kind", "foreignField": "_id", "as": "k"}}]))
    equal([d["k"][0]["name"] for d in joined], ["A", "B"])
    equal(db.c.count_documents({"kind": "a"}), 5)
    equal(db.c.count_documents({}), 10)
    equal(db.c.count_documents({"kind": "a"}, skip=1, limit=2), 2)
    equal(db.c.count_documents({"kind": "c"}), 0)


@check
def aggregation_cursors(db):
    db.c.insert_many({"_id": i} for i in range(500))
    equal([d["n"] for d in db.c.aggregate([{"$project": {"n": {"$add": ["$_id", 1]}}}], batchSize=7)], list(range(1, 501)))
    equal([d["_id"] for d in db.c.aggregate([{"$sort": {"_id": -1}}], batchSize=50)], list(range(499, -1, -1)))
    equal(list(db.nothing.aggregate([{"$match": {}}])), [])


@check
def distinct_values(db):
    db.c.insert_many([{"a": 1}, {"a": [1, 2]}, {"a": 2.0}, {"a": None}, {}])
    equal(db.c.distinct("a"), [1, 2, None])
    equal(db.c.distinct("a", {"a": 2}), [1, 2])


@check
def collections_and_databases(db):
    db.create_collection("one")
    db.two.insert_one({})
    equal(sorted(db.list_collection_names()), ["one", "two"])
    assert db.name in db.client.list_database_names()
    equal([c["name"] for c in db.list_collections(filter={"name": "two"})], ["two"])
    db.two.rename("three")
    equal(sorted(db.list_collection_names()), ["one", "three"])
    db.one.drop()
    db.one.drop()
    equal(db.list_collection_names(), ["three"])
    statistics = db.command("collStats", "three")
    equal([statistics["count"], statistics["nindexes"]], [1, 1])
    equal(db.command("dbStats")["objects"], 1)
    db.client.drop_database(db.name)
    assert db.name not in db.client.list_database_names()


@check
def refusals(db):
    raises(2, lambda: db.c.find_one({"a": {"$colour": 1}}))
    raises(40415, lambda: db.command("find", "c", colour=1))
    raises(14, lambda: db.command("find", "c", filter=5))
    raises(59, lambda: db.command("colour"))
    raises(73, lambda: db.command("insert", "a$b", documents=[{}]))
    reply = db.command("insert", "c", documents=[{"x": "x" * 16_780_000}])
    equal(reply["writeErrors"][0]["code"], 10334)
    equal(db.c.estimated_document_count(), 0)


@check
def max_time(db):
    db.c.insert_many({"_id": i, "n": i} for i in range(5000))
    raises(50, lambda: list(db.c.aggregate([{"$lookup": {"from": "c", "localField": "n", "foreignField": "n", "as": "x"}}], maxTimeMS=5)))


@check
def sessions(db):
    db.c.insert_one({"_id": 1})
    with db.client.start_session() as session:
        equal(db.c.find_one({}, session=session), {"_id": 1})
        session.start_transaction()
        raises(20, lambda: db.c.insert_one({"_id": 2}, session=session))
    equal(db.c.count_documents({}), 1)


@check
def users_log_in_by_scram(db):
    admin = db.client.admin
    name = f"u{uuid.uuid4().hex[:8]}"
    admin.command("createUser", name, pwd="first", roles=[{"role": "readWrite", "db": db.name}])
    try:
        def login(password):
            with pymongo.MongoClient(URI, username=name, password=password, authSource="admin") as client:
                client[db.name].c.insert_one({})
                return client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]

        equal(login("first"), [{"user": name, "db": "admin"}])
        raises(18, lambda: login("second"))
        admin.command("updateUser", name, pwd="second")
        raises(18, lambda: login("first"))
        equal(login("second"), [{"user": name, "db": "admin"}])
        user = admin.command("usersInfo", name)["users"][0]
        equal(user["roles"], [{"role": "readWrite", "db": db.name}])
        equal(user["mechanisms"], ["SCRAM-SHA-256"])
        assert "credentials" not in user
        raises(51003, lambda: admin.command("createUser", name, pwd="x", roles=[]))
    finally:
        admin.command("dropUser", name)
    raises(11, lambda: admin.command("dropUser", name))
    raises(18, lambda: login("second"))


def main():
    passed = failed = 0
    with pymongo.MongoClient(URI, serverSelectionTimeoutMS=10_000) as client:
        for function in CHECKS:
            db = client[f"pymongo_{uuid.uuid4().hex[:8]}"]
            try:
                function(db)
                passed += 1
                print(f"ok     {function.__name__}", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED {function.__name__}\n{traceback.format_exc()}", flush=True)
            finally:
                client.drop_database(db.name)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
