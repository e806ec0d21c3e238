// node walk.js URL: the life of an account through a client whose types were made from the
// document (api.d.ts). What the document says wrongly does not compile here; what the service does
// otherwise than the document fails here.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const url = process.argv[2] ?? "http://127.0.0.1:8080";
const client = createClient<paths>({ baseUrl: url });
const nobody = createClient<paths>({ baseUrl: url });
const account = { email: "walker@example.com", password: "a long enough password" };
let token = "";
let refreshToken = "";
let generation: Schemas["Generation"] | undefined;

client.use({
  onRequest({ request }) {
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
});

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
  assert.ok(data.credits_remaining > 0);
});

await step("change my profile", async () => {
  const { data } = await client.PATCH("/api/v1/users/me", { body: { full_name: null, settings: { theme: "dark" } } });
  assert.ok(data);
  assert.equal(data.full_name, null);
  assert.deepEqual(data.settings, { theme: "dark" });
});

await step("I am logged in here", async () => {
  const { data } = await client.GET("/api/v1/users/me/sessions");
  assert.deepEqual(data?.items.map((one) => one.is_current), [true]);
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

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
