// node console_test.mjs URL SCREENSHOTS LOG GESSO DATA_DIR: the console in a browser. LOG is the
// service's, which holds the mails; GESSO and DATA_DIR make an administrator.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { check, counts, launch, openPage } from "./browser.mjs";
import { keyboardWalk } from "./keyboard_walk.mjs";
import { lookAtEverything } from "./looks.mjs";
import { lostWalk } from "./lost_walk.mjs";
import { operatorWalk } from "./operator_walk.mjs";
import { Service } from "./service.mjs";
import { userWalk } from "./user_walk.mjs";

const [url, screenshots, log, gesso, dataDir] = process.argv.slice(2);
assert.ok(url && screenshots && log && gesso && dataDir);
mkdirSync(screenshots, { recursive: true });
const service = new Service(url, log, gesso, dataDir);
const browser = await launch();

await check("the first paint", async () => {
  const { context, page } = await openPage(browser);
  await page.goto(`${url}/console`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  assert.ok(paint > 0);
  writeFileSync(`${screenshots}/first_paint.txt`, paint.toFixed(0));
  await context.close();
});

const ann = { email: "ann@example.com", password: "a lighthouse at dusk", full_name: "Ann" };
const bob = { email: "bob@example.com", password: "oil on canvas, framed", full_name: "Bob" };
await userWalk({ browser, service, account: ann });
await operatorWalk({ browser, service, account: bob, user: ann });
await keyboardWalk({ browser, service });
await lostWalk({ browser, service });
await lookAtEverything({ browser, service, screenshots, account: bob });

await browser.close();
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed ? 1 : 0);
