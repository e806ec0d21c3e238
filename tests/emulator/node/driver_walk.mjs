// The Node driver, then Mongoose, against gesso localdb --dialect cosmos-ru: URI, the CA's file.
import assert from "node:assert/strict";
import { MongoClient } from "mongodb";
import mongoose from "mongoose";

const uri = `${process.argv[2]}&tlsCAFile=${encodeURIComponent(process.argv[3])}`;
let passed = 0;
let failed = 0;

async function check(name, work) {
  try {
    await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}

const isThrottled = (error) =>
  (error.code === 16500 && /RetryAfterMs=\d+/.test(error.message)) ||
  (error.writeErrors ?? []).some((one) => one.code === 16500);

async function refused(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  assert.fail("expected a refusal, found none");
}

async function walkDriver(db) {
  const orders = db.collection("orders");
  await check("node: creates a collection", () =>
    db.command({ customAction: "CreateCollection", collection: "orders", shardKey: "user", offerThroughput: 400 }));
  await check("node: inserts and finds", async () => {
    await orders.insertOne({ _id: 1, user: "ann", n: 1 });
    assert.equal((await orders.findOne({ user: "ann" })).n, 1);
  });
  await check("node: sorts by an index, and not without one", async () => {
    await orders.createIndex({ n: 1 });
    assert.equal((await orders.find().sort({ n: -1 }).toArray()).length, 1);
    const error = await refused(() => orders.find().sort({ x: 1 }).toArray());
    assert.equal(error.code, 2);
    assert.match(error.message, /order-by item is excluded/);
  });
  await check("node: updates", async () => {
    assert.equal((await orders.updateOne({ _id: 1, user: "ann" }, { $inc: { n: 5 } })).modifiedCount, 1);
  });
  await check("node: writes in bulk", async () => {
    const done = await orders.bulkWrite([
      { insertOne: { document: { _id: 2, user: "bob", n: 2 } } },
      { updateOne: { filter: { _id: 2, user: "bob" }, update: { $set: { n: 3 } } } },
      { deleteOne: { filter: { _id: 2, user: "bob" } } },
    ]);
    assert.deepEqual([done.insertedCount, done.modifiedCount, done.deletedCount], [1, 1, 1]);
  });
  await check("node: aggregates", async () => {
    const sums = await orders.aggregate([{ $match: { user: "ann" } }, { $group: { _id: "$user", sum: { $sum: "$n" } } }]).toArray();
    assert.deepEqual(sums, [{ _id: "ann", sum: 6 }]);
  });
  await check("node: sees 16500 past the request units", async () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ _id: 100 + i, user: String(i) }));
    assert.ok(isThrottled(await refused(() => orders.insertMany(many, { ordered: false }))));
  });
}

async function walkMongoose() {
  const connection = await mongoose.createConnection(uri, { dbName: "mongoose", autoIndex: false }).asPromise();
  const schema = new mongoose.Schema({ user: { type: String, required: true }, n: Number }, { timestamps: true });
  const Order = connection.model("Order", schema);
  await check("mongoose: creates a collection", () => Order.createCollection());
  await check("mongoose: creates and finds", async () => {
    await Order.create({ user: "ann", n: 1 });
    assert.equal((await Order.findOne({ user: "ann" })).n, 1);
  });
  await check("mongoose: sorts by an index", async () => {
    await connection.db.collection("orders").createIndex({ n: 1 });
    assert.equal((await Order.find().sort({ n: -1 })).length, 1);
  });
  await check("mongoose: saves a change", async () => {
    const order = await Order.findOne({ user: "ann" });
    order.n += 5;
    await order.save();
    assert.equal((await Order.findOne({ user: "ann" }).lean()).n, 6);
  });
  await check("mongoose: writes in bulk", async () => {
    const done = await Order.bulkWrite([
      { insertOne: { document: { user: "bob", n: 2 } } },
      { deleteOne: { filter: { user: "bob" } } },
    ]);
    assert.deepEqual([done.insertedCount, done.deletedCount], [1, 1]);
  });
  await check("mongoose: aggregates", async () => {
    const sums = await Order.aggregate([{ $group: { _id: "$user", sum: { $sum: "$n" } } }]);
    assert.deepEqual(sums, [{ _id: "ann", sum: 6 }]);
  });
  await check("mongoose: sees 16500 past the request units", async () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ user: String(i), n: i }));
    assert.ok(isThrottled(await refused(() => Order.insertMany(many, { ordered: false }))));
  });
  await connection.close();
}

const client = await new MongoClient(uri).connect();
await walkDriver(client.db("node"));
await client.close();
await walkMongoose();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
