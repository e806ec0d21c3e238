#!/usr/bin/env python3
"""pymongo against gesso localdb --dialect cosmos-ru: pymongo_walk.py URI CA_FILE."""

import pathlib
import sys

import pymongo
from pymongo import errors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.harness import Checks

checks = Checks()
client = pymongo.MongoClient(sys.argv[1], tlsCAFile=sys.argv[2])
db = client.pymongo
orders = db.orders


def create():
    db.command({"customAction": "CreateCollection", "collection": "orders", "shardKey": "user", "offerThroughput": 400})
    assert "orders" in db.list_collection_names()


def insert_and_find():
    orders.insert_one({"_id": 1, "user": "ann", "n": 1})
    assert orders.find_one({"user": "ann"})["n"] == 1
    assert db.command("getLastRequestStatistics")["RequestCharge"] > 0


def sort():
    orders.create_index("n")
    assert len(list(orders.find().sort("n", -1))) == 1
    try:
        list(orders.find().sort("x", 1))
        raise AssertionError("a sort without an index went through")
    except errors.OperationFailure as refusal:
        assert refusal.code == 2 and "order-by item is excluded" in str(refusal), refusal


def update():
    assert orders.update_one({"_id": 1, "user": "ann"}, {"$inc": {"n": 5}}).modified_count == 1


def bulk():
    done = orders.bulk_write([
        pymongo.InsertOne({"_id": 2, "user": "bob", "n": 2}),
        pymongo.UpdateOne({"_id": 2, "user": "bob"}, {"$set": {"n": 3}}),
        pymongo.DeleteOne({"_id": 2, "user": "bob"}),
    ])
    assert (done.inserted_count, done.modified_count, done.deleted_count) == (1, 1, 1)


def aggregate():
    sums = list(orders.aggregate([{"$match": {"user": "ann"}}, {"$group": {"_id": "$user", "sum": {"$sum": "$n"}}}]))
    assert sums == [{"_id": "ann", "sum": 6}], sums


def throttled():
    try:
        orders.insert_many([{"_id": 100 + i, "user": str(i)} for i in range(200)], ordered=False)
        raise AssertionError("200 inserts went through at 400 request units")
    except errors.BulkWriteError as refusal:
        codes = {one["code"] for one in refusal.details["writeErrors"]}
        assert codes == {16500}, codes


def retryable_writes():
    """The driver's default, on an account without the capability: every write fails."""
    with pymongo.MongoClient(sys.argv[1].replace("retrywrites=false", "retrywrites=true"), tlsCAFile=sys.argv[2]) as other:
        try:
            other.pymongo.orders.insert_one({"user": "eve"})
            raise AssertionError("a numbered write went through")
        except errors.OperationFailure as refusal:
            assert refusal.code == 2 and "Retryable writes are not supported" in str(refusal), refusal


def certificate():
    with pymongo.MongoClient(sys.argv[1], serverSelectionTimeoutMS=2000) as stranger:
        try:
            stranger.admin.command("ping")
            raise AssertionError("a certificate that nobody vouches for was trusted")
        except errors.ServerSelectionTimeoutError as refusal:
            assert "CERTIFICATE_VERIFY_FAILED" in str(refusal), refusal


for work in (create, insert_and_find, sort, update, bulk, aggregate, throttled, retryable_writes, certificate):
    checks.run(f"pymongo: {work.__name__}", work)
checks.close()
