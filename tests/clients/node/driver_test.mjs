// The Node driver against a server: CRUD, indexes, aggregation, cursors, sessions, SCRAM.
//
//   node driver_test.mjs URI        (or GESSO_TEST_URI)
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Decimal128, Long, MongoClient, ObjectId } from "mongodb";

const uri = process.argv[2] ?? process.env.GESSO_TEST_URI;
const checks = [];
const check = (name, work) => checks.push({ name, work });

async function refused(code, work) {
  try {
    await work();
  } catch (error) {
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`expected error ${code}, found none`);
}

check("inserts and finds every type", async (db) => {
  const document = {
    _id: new ObjectId(), double: 1.5, text: "grüße", list: [1, [2], { x: null }], when: new Date(5),
    flag: true, long: Long.fromString("9007199254740993"), decimal: new Decimal128("1.10"),
    pattern: /^a/i, bytes: randomBytes(4),
  };
  const c = db.collection("c");
  assert.equal((await c.insertOne(document)).insertedId, document._id);
  const back = await c.findOne({ _id: document._id }, { promoteLongs: false, promoteBuffers: true });
  assert.equal(back.long.toString(), "9007199254740993");
  assert.equal(back.decimal.toString(), "1.10");
  assert.deepEqual(back.list, document.list);
  assert.deepEqual(back.bytes, document.bytes);
  assert.equal(back.when.getTime(), 5);
});

check("fetches cursors in batches", async (db) => {
  const c = db.collection("c");
  await c.insertMany(Array.from({ length: 1000 }, (_, i) => ({ _id: i })));
  const ids = [];
  for await (const document of c.find({}, { batchSize: 13, sort: { _id: -1 } })) ids.push(document._id);
  assert.deepEqual(ids, Array.from({ length: 1000 }, (_, i) => 999 - i));
  const cursor = c.find({}, { batchSize: 2 });
  await cursor.next();
  await cursor.close();
  assert.equal((await c.find({ _id: { $lt: 50 } }).skip(10).limit(5).toArray()).length, 5);
});

check("updates, upserts, replaces, deletes", async (db) => {
  const c = db.collection("c");
  await c.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }]);
  assert.equal((await c.updateMany({}, { $inc: { n: 10 } })).modifiedCount, 2);
  assert.equal((await c.updateOne({ _id: 3 }, { $set: { n: 3 } }, { upsert: true })).upsertedId, 3);
  assert.equal((await c.replaceOne({ _id: 3 }, { m: 1 })).modifiedCount, 1);
  assert.equal((await c.deleteMany({ n: { $gt: 0 } })).deletedCount, 2);
  assert.deepEqual(await c.find().toArray(), [{ _id: 3, m: 1 }]);
});

check("finds one and changes it", async (db) => {
  const c = db.collection("c");
  await c.insertOne({ _id: 1, n: 1 });
  assert.equal((await c.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } })).n, 1);
  assert.equal((await c.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: "after" })).n, 3);
  const full = await c.findOneAndUpdate({ _id: 2 }, { $set: { n: 1 } }, { upsert: true, includeResultMetadata: true });
  assert.equal(full.value, null);
  assert.equal(full.lastErrorObject.upserted, 2);
  assert.deepEqual(await c.findOneAndDelete({ _id: 2 }), { _id: 2, n: 1 });
  assert.equal(await c.findOneAndDelete({ _id: 2 }), null);
});

check("writes in bulk", async (db) => {
  const result = await db.collection("c").bulkWrite([
    { insertOne: { document: { _id: 1, n: 1 } } },
    { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } },
    { replaceOne: { filter: { _id: 2 }, replacement: { n: 2 }, upsert: true } },
    { deleteOne: { filter: { _id: 1 } } },
  ]);
  assert.equal(result.insertedCount, 1);
  assert.equal(result.modifiedCount, 1);
  assert.equal(result.upsertedCount, 1);
  assert.equal(result.deletedCount, 1);
});

check("makes, uses, lists and drops indexes", async (db) => {
  const c = db.collection("c");
  assert.deepEqual(await c.createIndexes([{ key: { a: 1 }, unique: true }, { key: { b: 1, c: -1 }, name: "bc" }]), ["a_1", "bc"]);
  await c.insertMany([{ a: 1, b: 1 }, { a: 2, b: 1 }]);
  const error = await refused(11000, () => c.insertOne({ a: 1 }));
  assert.deepEqual(error.keyPattern, { a: 1 });
  assert.deepEqual(error.keyValue, { a: 1 });
  const plan = await c.find({ b: 1 }).explain();
  assert.equal(plan.queryPlanner.winningPlan.inputStage.indexName, "bc");
  assert.equal(plan.executionStats.nReturned, 2);
  await c.dropIndex("bc");
  assert.deepEqual((await c.indexes()).map((index) => index.name), ["_id_", "a_1"]);
});

check("aggregates", async (db) => {
  const c = db.collection("c");
  await c.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: i, kind: i % 2 })));
  assert.deepEqual(
    await c.aggregate([{ $group: { _id: "$kind", n: { $sum: 1 } } }, { $sort: { _id: 1 } }]).toArray(),
    [{ _id: 0, n: 10 }, { _id: 1, n: 10 }]);
  assert.equal(await c.countDocuments({ kind: 1 }), 10);
  assert.equal(await c.estimatedDocumentCount(), 20);
  assert.deepEqual(await c.distinct("kind"), [0, 1]);
  assert.equal((await c.aggregate([{ $addFields: { x: "$kind" } }], { batchSize: 3 }).toArray()).length, 20);
});

check("makes and drops collections and databases", async (db) => {
  await db.createCollection("one");
  await db.collection("two").insertOne({});
  assert.deepEqual((await db.listCollections().toArray()).map((c) => c.name).sort(), ["one", "two"]);
  assert.equal(await db.collection("one").drop(), true);
  assert.equal((await db.stats()).collections, 1);
  assert.equal(await db.dropDatabase(), true);
  assert.deepEqual(await db.listCollections().toArray(), []);
});

check("refuses transactions as a standalone does", async (db, client) => {
  await client.withSession(async (session) => {
    session.startTransaction();
    await refused(20, () => db.collection("c").insertOne({}, { session }));
    await session.abortTransaction();
  });
});

check("fails with the server's codes", async (db) => {
  await refused(59, () => db.command({ colour: 1 }));
  await refused(2, () => db.collection("c").findOne({ a: { $colour: 1 } }));
  await refused(40324, () => db.collection("c").aggregate([{ $colour: 1 }]).toArray());
});

check("logs in by SCRAM", async (db, client) => {
  const name = `n${randomBytes(4).toString("hex")}`;
  await client.db("admin").command({ createUser: name, pwd: "secret", roles: [{ role: "readWrite", db: db.databaseName }] });
  try {
    const login = async (password) => {
      const other = new MongoClient(uri, { auth: { username: name, password }, authSource: "admin" });
      try {
        return (await other.db(db.databaseName).collection("c").insertOne({ _id: 1 })).acknowledged;
      } finally {
        await other.close();
      }
    };
    assert.equal(await login("secret"), true);
    await refused(18, () => login("wrong"));
  } finally {
    await client.db("admin").command({ dropUser: name });
  }
});

let passed = 0;
let failed = 0;
const client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 });
for (const { name, work } of checks) {
  const db = client.db(`node_${randomBytes(4).toString("hex")}`);
  try {
    await work(db, client);
    ++passed;
    console.log(`ok     ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
  await db.dropDatabase();
}
await client.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
