// node walk.js URL LOG GESSO DATA_DIR: the life of an account, as docs/WALKTHROUGH.md tells it, through
// a client whose types were made from the document (api.d.ts). What the document says wrongly does
// not compile here; what the service does otherwise than the document fails here.
//
// LOG is the service's, which holds the mails; GESSO and DATA_DIR make an administrator. run.py plays
// Stripe behind the service; what Stripe would post is signed here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const [url, log, gesso, dataDir] = process.argv.slice(2);
assert.ok(url && log && gesso && dataDir);
const webhookSecret = "whsec_walk"; // as run.py sets it
const account = { email: "walker@example.com", password: "a long enough password" };
const proof = { password: account.password };
const image = "https://images.example.com/1.png";

// A client that shows what `token` returns, if anything.
function clientWith(token: () => string) {
  const made = createClient<paths>({ baseUrl: url ?? "" });
  made.use({
    onRequest({ request }) {
      if (token()) request.headers.set("Authorization", `Bearer ${token()}`);
      return request;
    },
  });
  return made;
}

let token = "";
let refreshToken = "";
let workerKey = "";
let secret = "";
let recoveryCodes: string[] = [];
let generation: Schemas["Generation"] | undefined;
let lastGeneration: Schemas["Generation"] | undefined;
let stream: Promise<Event[]> | undefined;
const client = clientWith(() => token);
const worker = clientWith(() => workerKey);
const nobody = clientWith(() => "");

let passed = 0;
let failed = 0;
async function step(name: string, body: () => Promise<void>) {
  try {
    await body();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error instanceof Error ? error.stack : error}`);
  }
}

// Waits for what the service does soon, and no event tells of.
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new Error("it did not come about within a minute");
}

// The code of these 30 seconds, or of the next ones: each is good once.
function totp(which: "this" | "next") {
  const now = which === "this" ? "now" : "now + 30 seconds";
  return execFileSync("oathtool", ["--totp", "-b", "-N", now, secret], { encoding: "utf8" }).trim();
}

interface Event {
  event: string;
  id: string;
  data: Schemas["Generation"];
}

// The events of my generation, to the last one.
async function events(seen?: string): Promise<Event[]> {
  const { data } = await client.GET("/api/v1/generations/{id}/events", {
    params: { path: { id: generation?.id ?? "" }, header: seen === undefined ? {} : { "Last-Event-Id": seen } },
    parseAs: "text",
  });
  assert.ok(data !== undefined);
  const texts = data.split("\n\n").filter((one) => one && !one.startsWith(":"));
  return texts.map((text) => {
    const [, event, id, json] = /^event: (\S+)\nid: (\d+)\ndata: (.*)$/.exec(text) ?? [];
    assert.ok(event && id && json, text);
    return { event, id, data: JSON.parse(json) };
  });
}

async function stripe(id: string, type: string, object: Record<string, unknown>) {
  const now = Math.floor(Date.now() / 1000);
  const body = { id, object: "event", type, created: now, data: { object } };
  const text = JSON.stringify(body);
  const signature = createHmac("sha256", webhookSecret).update(`${now}.${text}`).digest("hex");
  const { data } = await nobody.POST("/webhooks/stripe", {
    params: { header: { "Stripe-Signature": `t=${now},v1=${signature}` } },
    body,
    bodySerializer: () => text,
  });
  return data?.outcome;
}

async function creditsLeft() {
  const { data } = await client.GET("/api/v1/subscriptions/me");
  return data?.credits_left;
}

await step("the service says what it is", async () => {
  const { data } = await client.GET("/");
  assert.equal(data?.openapi, "/openapi.json");
});

await step("register", async () => {
  const { data, response } = await client.POST("/api/v1/auth/register", { body: { ...account, full_name: "Walker" } });
  assert.equal(response.status, 201);
  assert.ok(data && "email" in data); // where a setting asks for it, the rest is in a mail
  assert.equal(data.email, account.email);
  assert.ok(response.headers.get("location"));
});

await step("a taken email has a code of its own", async () => {
  const { error, response } = await client.POST("/api/v1/auth/register", { body: account });
  assert.equal(response.status, 409);
  assert.ok(error && "code" in error && error.code === "email_taken");
});

await step("what does not fit is named", async () => {
  const { error, response } = await client.POST("/api/v1/auth/register", { body: { email: "walker", password: "short" } });
  assert.equal(response.status, 422);
  assert.ok(error && Array.isArray(error.detail));
  assert.deepEqual(error.detail.map((one) => one.loc.join(".")), ["body.email", "body.password"]);
});

await step("verify the email with what was mailed", async () => {
  const mailed = await until(() => /^ {4}(gv_\S+)$/m.exec(readFileSync(log, "utf8"))?.[1]);
  const { response } = await nobody.POST("/api/v1/auth/verify-email", { body: { token: mailed } });
  assert.equal(response.status, 204);
});

await step("log in", async () => {
  const { data } = await client.POST("/api/v1/auth/login", { body: account });
  assert.ok(data);
  assert.ok(data.expires_in > 0);
  token = data.access_token;
  refreshToken = data.refresh_token;
});

await step("my profile and credits", async () => {
  const { data } = await client.GET("/api/v1/users/me");
  assert.ok(data);
  assert.equal(data.full_name, "Walker");
  assert.equal(data.credits_remaining, 10);
  assert.equal(data.is_verified, true);
});

await step("turn the second factor on", async () => {
  const { data } = await client.POST("/api/v1/users/me/totp", { body: proof });
  assert.ok(data && data.uri.includes(data.secret));
  secret = data.secret;
  const { data: codes } = await client.POST("/api/v1/users/me/totp/confirm", { body: { code: totp("this") } });
  assert.equal(codes?.codes.length, 10);
  recoveryCodes = codes.codes;
});

// The problem of a login that wants a code.
async function challenge() {
  const { error } = await nobody.POST("/api/v1/auth/login", { body: account });
  assert.ok(error && "challenge" in error && error.code === "second_factor_required");
  return error.challenge;
}

await step("log in with it", async () => {
  const body = { challenge: await challenge(), code: totp("next") };
  const { data } = await nobody.POST("/api/v1/auth/login/code", { body });
  assert.ok(data);
  token = data.access_token;
  refreshToken = data.refresh_token;
});

await step("change my profile", async () => {
  const { data } = await client.PATCH("/api/v1/users/me", { body: { full_name: null, settings: { theme: "dark" } } });
  assert.ok(data);
  assert.equal(data.full_name, null);
  assert.deepEqual(data.settings, { theme: "dark" });
});

await step("I am logged in here", async () => {
  const { data } = await client.GET("/api/v1/users/me/sessions");
  assert.deepEqual(data?.items.map((one) => one.is_current), [true, false]); // before the factor, and with it
});

await step("a key for a program is good for its scope alone", async () => {
  const { data, response } = await client.POST("/api/v1/users/me/api-keys", {
    body: { name: "reader", scopes: ["generations:read"] },
  });
  assert.equal(response.status, 201);
  assert.ok(data);
  const headers = { Authorization: `Bearer ${data.key}` };
  assert.equal((await nobody.GET("/api/v1/generations", { headers })).response.status, 200);
  const { error, response: refused } = await nobody.GET("/api/v1/users/me", { headers });
  assert.equal(refused.status, 403);
  assert.ok(error && "code" in error && error.code === "forbidden");
});

await step("nobody has none", async () => {
  const { error, response } = await nobody.GET("/api/v1/users/me");
  assert.equal(response.status, 401);
  assert.ok(error && "code" in error && error.code === "unauthorized");
});

await step("ask for images", async () => {
  const { data, response } = await client.POST("/api/v1/generations", {
    body: { prompt: "A lighthouse at dusk", num_images: 2, seed: 7 },
  });
  assert.equal(response.status, 201);
  assert.ok(data);
  assert.equal(data.status, "pending");
  assert.equal(response.headers.get("location"), `/api/v1/generations/${data.id}`);
  generation = data;
});

await step("my list has them", async () => {
  const { data } = await client.GET("/api/v1/generations", { params: { query: { status: "pending", limit: 10 } } });
  assert.deepEqual(data?.items.map((one) => one.id), [generation?.id]);
  assert.equal(data?.next_cursor, null);
});

await step("and they are found by their id", async () => {
  const { data } = await client.GET("/api/v1/generations/{id}", { params: { path: { id: generation?.id ?? "" } } });
  assert.deepEqual(data, generation);
});

await step("none is found by another id", async () => {
  const { error, response } = await client.GET("/api/v1/generations/{id}", { params: { path: { id: "gen_none" } } });
  assert.equal(response.status, 404);
  assert.ok(error && "code" in error && error.code === "not_found");
});

await step("my statistics", async () => {
  const { data } = await client.GET("/api/v1/generations/stats");
  assert.equal(data?.total_generations, 1);
});

await step("watch it, to its end", async () => {
  stream = events();
  const { error } = await client.GET("/api/v1/generations/{id}/events", { params: { path: { id: "gen_none" } } });
  assert.ok(error && "code" in error && error.code === "not_found");
});

await step("an administrator makes a key for workers", async () => {
  const painter = { email: "painter@example.com", password: "oil on canvas, framed" };
  await nobody.POST("/api/v1/auth/register", { body: painter });
  execFileSync(gesso, ["set-role", "--email", painter.email, "--data-dir", dataDir]);
  const { data: login } = await nobody.POST("/api/v1/auth/login", { body: painter });
  const { data } = await nobody.POST("/api/v1/users/me/api-keys", {
    body: { name: "painter", scopes: ["worker"] },
    headers: { Authorization: `Bearer ${login?.access_token}` },
  });
  assert.ok(data);
  workerKey = data.key;
});

await step("a user's token is no worker's", async () => {
  const { response } = await client.POST("/api/v1/worker/claim", { body: { worker: "painter-1" } });
  assert.equal(response.status, 403);
});

await step("a worker claims, holds and completes it", async () => {
  const { data } = await worker.POST("/api/v1/worker/claim", { body: { worker: "painter-1" } });
  assert.equal(data?.work?.generation.id, generation?.id);
  const claim = { worker: "painter-1", attempt: data?.work?.attempt ?? 0 };
  const params = { path: { id: generation?.id ?? "" } };
  const { data: held } = await worker.POST("/api/v1/worker/generations/{id}/heartbeat", { params, body: claim });
  assert.equal(held?.cancel_requested, false);
  const body = { ...claim, result_urls: [image] };
  const { data: done } = await worker.POST("/api/v1/worker/generations/{id}/complete", { params, body });
  assert.equal(done?.status, "completed");
  const late = await worker.POST("/api/v1/worker/generations/{id}/fail", {
    params,
    body: { ...claim, kind: "final", reason: "out of paint" },
  });
  assert.ok(late.error && "code" in late.error && late.error.code === "lease_lost");
});

await step("its events came in order", async () => {
  const seen = (await stream) ?? [];
  const order = ["pending", "processing", "completed"].filter((one) => seen.some((event) => event.event === one));
  assert.equal(seen.at(-1)?.event, "completed");
  assert.deepEqual(seen.at(-1)?.data.result_urls, [image]);
  assert.deepEqual(seen.map((one) => one.event), order);
  assert.deepEqual((await events("0")).map((one) => one.event), ["completed"]);
});

await step("nothing is for sale but the plan with a price", async () => {
  const { data } = await nobody.GET("/api/v1/plans");
  assert.deepEqual(data?.items.filter((one) => one.sold_monthly).map((one) => one.plan), ["pro"]);
});

await step("go to the checkout, and be told that it was paid", async () => {
  const { data } = await client.POST("/api/v1/subscriptions/checkout", { body: { plan: "pro" } });
  assert.equal(data?.url, "https://checkout.example.com/cs_1");
  const start = Math.floor(Date.now() / 1000);
  const about = { parent: { subscription_item_details: { subscription: "sub_1" } } };
  const line = { ...about, pricing: { price_details: { price: "price_pro" } }, period: { start, end: start + 2678400 } };
  const invoice = { id: "in_1", status: "paid", customer: "cus_1", billing_reason: "subscription_create",
                    parent: { subscription_details: { subscription: "sub_1" } }, lines: { data: [line] } };
  assert.equal(await stripe("evt_1", "invoice.paid", invoice), "applied");
  assert.equal(await stripe("evt_1", "invoice.paid", invoice), "repeated");
  assert.equal((await client.GET("/api/v1/users/me")).data?.subscription_tier, "pro");
  assert.equal(await creditsLeft(), 500);
});

await step("what was not signed is refused", async () => {
  const { error } = await nobody.POST("/webhooks/stripe", { body: {} });
  assert.ok(error && "code" in error && error.code === "invalid_signature");
});

await step("reach a limit", async () => {
  const ask = () => client.POST("/api/v1/generations", { body: { prompt: "Another one" } });
  for (let n = 0; n < 5; ++n) lastGeneration = (await ask()).data;
  assert.ok(lastGeneration);
  const { error, response } = await ask();
  assert.equal(response.status, 429);
  assert.ok(error && "code" in error && error.code === "rate_limited");
  assert.deepEqual(error["violated-policies"], ["burst"]);
  assert.equal(response.headers.get("ratelimit-policy"), '"burst";q=5;w=3600');
  assert.match(response.headers.get("ratelimit") ?? "", /^"burst";r=0;t=\d+$/);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
});

await step("cancel one, and get its credit back", async () => {
  const before = await creditsLeft();
  const params = { path: { id: lastGeneration?.id ?? "" } };
  const { data } = await client.POST("/api/v1/generations/{id}/cancel", { params });
  assert.equal(data?.status, "cancelled");
  assert.ok(data.refunded_at);
  assert.deepEqual([before, await creditsLeft()], [495, 496]);
  assert.equal((await client.POST("/api/v1/generations/{id}/cancel", { params })).data?.status, "cancelled");
  assert.equal(await creditsLeft(), 496);
  assert.equal((await client.DELETE("/api/v1/generations/{id}", { params })).response.status, 204);
});

await step("cancel the subscription for its end", async () => {
  const { data } = await client.POST("/api/v1/subscriptions/cancel", { body: { when: "period_end" } });
  assert.deepEqual([data?.plan, data?.cancel_at_period_end, data?.credits_left], ["pro", true, 496]);
});

await step("what I did", async () => {
  await until(async () => {
    const { data } = await client.GET("/api/v1/usage/summary");
    const images = data?.items.filter((one) => one.action_type === "image_generation") ?? [];
    return images.reduce((sum, one) => sum + one.credits_used, 0) === 7 || undefined;
  });
});

await step("all that is kept of me", async () => {
  const { data } = await client.GET("/api/v1/users/me/export");
  assert.ok(JSON.stringify(data).includes("A lighthouse at dusk"));
});

await step("the next tokens of my session", async () => {
  const { data } = await nobody.POST("/api/v1/auth/refresh", { body: { refresh_token: refreshToken } });
  assert.ok(data);
  assert.notEqual(data.refresh_token, refreshToken);
  token = data.access_token;
});

await step("log out", async () => {
  assert.equal((await client.POST("/api/v1/auth/logout")).response.status, 204);
  assert.equal((await client.GET("/api/v1/users/me")).response.status, 401);
});

await step("log in with a recovery code, and leave", async () => {
  const body = { challenge: await challenge(), code: recoveryCodes[0] ?? "" };
  token = (await nobody.POST("/api/v1/auth/login/code", { body })).data?.access_token ?? "";
  assert.equal((await client.POST("/api/v1/users/me/delete", { body: proof })).response.status, 204);
  assert.equal((await client.GET("/api/v1/users/me")).response.status, 401);
  assert.equal((await nobody.POST("/api/v1/auth/login", { body: account })).response.status, 401);
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
