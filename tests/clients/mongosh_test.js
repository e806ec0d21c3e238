// mongosh against a server, with the helpers that people type.
//
//   mongosh URI --quiet --norc --file mongosh_test.js
"use strict";

let passed = 0;
let failed = 0;

function check(name, work) {
  const own = db.getSiblingDB(`mongosh_${new ObjectId().toString().slice(-8)}`);
  try {
    work(own);
    ++passed;
    print(`ok     ${name}`);
  } catch (error) {
    ++failed;
    print(`FAILED ${name}\n${error.stack ?? error}`);
  } finally {
    own.dropDatabase();
  }
}

function equal(found, expected) {
  const left = EJSON.stringify(found);
  const right = EJSON.stringify(expected);
  if (left !== right) throw new Error(`expected ${right}, found ${left}`);
}

check("CRUD", (own) => {
  own.c.insertOne({ _id: 1, a: 1 });
  own.c.insertMany([{ _id: 2, a: 2 }, { _id: 3, a: 3 }]);
  equal(own.c.find({ a: { $gt: 1 } }).sort({ _id: -1 }).toArray(), [{ _id: 3, a: 3 }, { _id: 2, a: 2 }]);
  equal(own.c.updateMany({}, { $inc: { a: 1 } }).modifiedCount, 3);
  equal(own.c.findOne({ _id: 1 }), { _id: 1, a: 2 });
  equal(own.c.deleteOne({ _id: 1 }).deletedCount, 1);
  equal(own.c.countDocuments(), 2);
  equal(own.c.findOneAndUpdate({ _id: 2 }, { $set: { b: 1 } }, { returnDocument: "after" }), { _id: 2, a: 3, b: 1 });
});

check("cursors", (own) => {
  own.c.insertMany(Array.from({ length: 250 }, (_, i) => ({ _id: i })));
  equal(own.c.find().batchSize(20).toArray().length, 250);
  equal(own.c.find().itcount(), 250);
});

check("indexes and explain", (own) => {
  equal(own.c.createIndex({ a: 1 }), "a_1");
  own.c.insertMany([{ a: 1 }, { a: 2 }]);
  equal(own.c.getIndexes().map((index) => index.name), ["_id_", "a_1"]);
  const plan = own.c.find({ a: 2 }).explain("executionStats");
  equal(plan.queryPlanner.winningPlan.inputStage.stage, "IXSCAN");
  equal(plan.executionStats.nReturned, 1);
  equal(own.c.explain().aggregate([{ $match: { a: 1 } }, { $group: { _id: "$a" } }]).ok, 1);
  equal(own.c.explain("executionStats").update({ a: 1 }, { $set: { b: 1 } }).ok, 1);
  own.c.dropIndex("a_1");
  equal(own.c.getIndexes().length, 1);
});

check("aggregation", (own) => {
  own.c.insertMany([{ k: "a", n: 1 }, { k: "a", n: 2 }, { k: "b", n: 5 }]);
  equal(own.c.aggregate([{ $group: { _id: "$k", n: { $sum: "$n" } } }, { $sort: { _id: 1 } }]).toArray(),
        [{ _id: "a", n: 3 }, { _id: "b", n: 5 }]);
  equal(own.c.distinct("k"), ["a", "b"]);
});

check("statistics and administration", (own) => {
  own.c.insertOne({ a: 1 });
  equal(own.getCollectionNames(), ["c"]);
  equal(own.c.stats().count, 1);
  equal(own.stats().objects, 1);
  equal(own.c.validate().valid, true);
  equal(own.c.dataSize() > 0, true);
  equal(db.getMongo().getDBNames().includes(own.getName()), true);
  equal(db.adminCommand({ serverStatus: 1 }).ok, 1);
  equal(db.adminCommand({ hostInfo: 1 }).ok, 1);
  equal(db.adminCommand({ getLog: "startupWarnings" }).log, []);
  equal(db.adminCommand({ connectionStatus: 1 }).ok, 1);
  equal(db.adminCommand({ getParameter: 1, featureCompatibilityVersion: 1 }).ok, 1);
  equal(db.currentOp().inprog.length > 0, true);
  equal(db.getSiblingDB("config").aggregate([{ $listLocalSessions: {} }]).toArray(), []);
  equal(db.version().startsWith("7."), true);
  own.c.renameCollection("d");
  equal(own.getCollectionNames(), ["d"]);
  equal(own.d.drop(), true);
});

check("users", (own) => {
  own.createUser({ user: "ada", pwd: "secret", roles: ["readWrite"] });
  equal(own.getUser("ada").roles, [{ role: "readWrite", db: own.getName() }]);
  equal(own.auth("ada", "secret").ok, 1);
  own.logout();
  own.changeUserPassword("ada", "other");
  equal(own.getUsers().users.length, 1);
  equal(own.dropUser("ada").ok, 1);
});

check("errors", (own) => {
  own.c.insertOne({ _id: 1 });
  let code = 0;
  try {
    own.c.insertOne({ _id: 1 });
  } catch (error) {
    code = error.code;
  }
  equal(code, 11000);
});

print(`${passed} passed, ${failed} failed`);
quit(failed ? 1 : 0);
