// node page_test.mjs URL SCREENSHOTS: opens /docs in a browser, calls operations through it as a
// person would, and sees that nothing leaves the host.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, screenshots] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });
let passed = 0, failed = 0;
async function check(name, body) {
  try {
    await body();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
page.setDefaultTimeout(240_000); // of a loaded machine
const requests = [], complaints = [];
page.on("request", (request) => requests.push(request.url()));
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(String(error)));

// Opens the operation, sends `body` (or the example that is there) and waits for the status.
async function call(id, body) {
  const block = page.locator(`.opblock[id$="-${id}"]`);
  await block.locator(".opblock-summary-control").click();
  await block.getByRole("button", { name: "Try it out" }).click();
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  await block.getByRole("button", { name: "Execute" }).click();
  const status = await block.locator(".live-responses-table tbody .response-col_status").first().innerText();
  return { status: Number.parseInt(status, 10), block };
}

const document = await (await fetch(`${url}/openapi.json`)).json();
const operations = Object.values(document.paths).flatMap(Object.values).map((operation) => operation.operationId);
const example = (id) => {
  const operation = Object.values(document.paths).flatMap(Object.values).find((one) => one.operationId === id);
  return operation.requestBody.content["application/json"].example;
};

await check("the page shows every operation", async () => {
  await page.goto(`${url}/docs`);
  await page.locator(".opblock").first().waitFor();
  const shown = await page.locator(".opblock").evaluateAll((blocks) => blocks.map((block) => block.id));
  assert.equal(shown.length, operations.length);
  for (const id of operations) assert.ok(shown.some((one) => one.endsWith(`-${id}`)), id);
  await page.screenshot({ path: `${screenshots}/docs.png` });
});

await check("a request with the page's own example succeeds", async () => {
  const { status } = await call("register");
  assert.equal(status, 201);
});

await check("who logs in on the page is logged in for the next call", async () => {
  const { email, password } = example("register");
  assert.equal((await call("login", { email, password })).status, 200);
  const { status, block } = await call("getMe");
  assert.equal(status, 200);
  assert.ok((await block.innerText()).includes(email));
  await block.scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${screenshots}/docs_call.png` });
});

await check("nothing was asked of another host", async () => {
  assert.ok(requests.length > 5);
  assert.deepEqual(requests.filter((one) => !one.startsWith(`${url}/`) && !one.startsWith("data:")), []);
});

await check("nothing was refused by the page's policy", async () => assert.deepEqual(complaints, []));

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
