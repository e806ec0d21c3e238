// node console_test.mjs SCREENSHOTS GESSO URL LOG DATA_DIR IDLE_URL IDLE_LOG IDLE_DATA_DIR: the console
// in a browser. LOG is the service's, which holds the mails; GESSO and DATA_DIR make an administrator. The
// second service paints nothing by itself.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { check, counts, launch, openPage } from "./browser.mjs";
import { balanceWalk } from "./balance_walk.mjs";
import { keyboardWalk } from "./keyboard_walk.mjs";
import { lookAtEverything } from "./looks.mjs";
import { listsWalk } from "./lists_walk.mjs";
import { lostWalk } from "./lost_walk.mjs";
import { operatorWalk } from "./operator_walk.mjs";
import { Service } from "./service.mjs";
import { userWalk } from "./user_walk.mjs";

const [screenshots, gesso, url, log, dataDir, ...idleOne] = process.argv.slice(2);
assert.equal(idleOne.length, 3);
mkdirSync(screenshots, { recursive: true });
const service = new Service(url, log, gesso, dataDir);
const idle = new Service(idleOne[0], idleOne[1], gesso, idleOne[2]);
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
await balanceWalk({ browser, service: idle });
await listsWalk({ browser, service: idle });
await lookAtEverything({ browser, service, screenshots, account: bob });

await browser.close();
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed ? 1 : 0);
