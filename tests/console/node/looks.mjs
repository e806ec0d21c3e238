// Every view in light, dark and on a phone: a picture of it for people, what axe-core finds, whether
// it fits, and whether anything jumps while it comes.
import assert from "node:assert/strict";
import { check, faultsOf, openPage, phone, wide } from "./browser.mjs";
import { until } from "./service.mjs";
import { headed, signIn } from "./steps.mjs";

const kinds = [
  { name: "light", options: { viewport: wide, colorScheme: "light" } },
  { name: "dark", options: { viewport: wide, colorScheme: "dark" } },
  { name: "phone", options: { viewport: phone, colorScheme: "light", reducedMotion: "reduce" } },
  { name: "phone_dark", options: { viewport: phone, colorScheme: "dark", reducedMotion: "reduce" } },
];

const doors = { sign_in: ["", "Sign in"], register: ["register", "Make an account"], forgot: ["forgot", "Forgot the password"], reset: ["reset", "Set a new password"], verify: ["verify", "Confirm your address"] };
const views = (work, user) => ({
  studio: ["", "Studio"],
  work: [`work/${work}`, "Picture"],
  credits: ["credits", "Credits and usage"],
  keys: ["keys", "API keys"],
  account: ["account", "Account"],
  nowhere: ["nowhere", "Not here"],
  overview: ["operate", "Overview"],
  pictures: ["operate/pictures", "Pictures"],
  users: ["operate/users", "Users"],
  one_user: [`operate/users/${user}`, "@"],
  usage: ["operate/usage", "Usage"],
  database: ["operate/database", "Database"],
});

// The view as it is once all that it asked for has come.
async function open(page, url, [path, title]) {
  await page.goto("about:blank");
  await page.goto(`${url}/console#/${path}`);
  await page.getByRole("heading", { level: 1, name: new RegExp(title) }).waitFor();
  await page.waitForFunction(() => document.querySelector(".bone") === null);
  await page.waitForLoadState("load");
  await page.evaluate(() => Promise.all([document.fonts.ready, ...[...document.images].map((image) => image.decode().catch(() => undefined))]));
}

const shiftOf = (page) =>
  page.evaluate(
    () =>
      new Promise((resume) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) sum += value;
        }).observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resume(sum)));
      }),
  );

async function look(page, service, screenshots, kind, name, place) {
  await check(`${name}, ${kind}`, async () => {
    await open(page, service.url, place);
    await page.screenshot({ path: `${screenshots}/${name}_${kind}.png`, fullPage: true });
    assert.deepEqual(await faultsOf(page), []);
    const { over, width } = await page.evaluate(() => ({ over: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
    assert.ok(over <= width, `${over} pixels in ${width}`);
    const shift = await shiftOf(page);
    assert.ok(shift < 0.1, `things moved by ${shift}`);
  });
}

export async function lookAtEverything({ browser, service, screenshots, account }) {
  const token = await service.tokenOf(account);
  const { body: user } = await service.ask("GET", "/api/v1/users/me", { token });
  const prompts = ["A beautiful sunset over mountains", "A lighthouse at dusk, oil on canvas", "A quiet harbour in fog", "Wheat fields under a wide sky", "A forest path in autumn, watercolour"];
  let last;
  for (const prompt of prompts) last = (await service.ask("POST", "/api/v1/generations", { token, body: { prompt } })).body;
  await until(async () => {
    const { body } = await service.ask("GET", "/api/v1/generations", { token });
    return body.items.every(({ status }) => status === "completed");
  }, "the last picture");
  await service.ask("POST", "/api/v1/users/me/api-keys", { token, body: { name: "nightly script", scopes: ["generations:read", "generations:write"] } });
  for (const { name, options } of kinds) {
    const { context, page } = await openPage(browser, options);
    for (const [door, place] of Object.entries(doors)) await look(page, service, screenshots, name, door, place);
    await signIn(page, service, account);
    await headed(page, "Studio");
    for (const [view, place] of Object.entries(views(last.id, user.id))) await look(page, service, screenshots, name, view, place);
    if (name === "phone") await lookAtPhone(page, service, screenshots);
    await context.close();
  }
}

async function lookAtPhone(page, service, screenshots) {
  await check("on a phone the views are behind a button", async () => {
    await open(page, service.url, ["", "Studio"]);
    const views = page.getByRole("navigation", { name: "Views" });
    assert.equal(await views.isVisible(), false);
    await page.getByRole("button", { name: "Menu" }).click();
    await views.waitFor({ state: "visible" });
    await page.screenshot({ path: `${screenshots}/menu_phone.png` });
    assert.deepEqual(await faultsOf(page), []);
    await page.keyboard.press("Escape");
    await views.waitFor({ state: "hidden" });
  });
  await check("who wants less motion gets less", async () => {
    const seconds = await page.evaluate(() => {
      const bone = document.createElement("span");
      bone.className = "bone";
      document.body.append(bone);
      const { animationDuration } = getComputedStyle(bone);
      bone.remove();
      return Number.parseFloat(animationDuration);
    });
    assert.ok(seconds < 0.001, String(seconds));
  });
}
