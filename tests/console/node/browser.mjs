// What the tests of the console share: a browser, named checks, and hands on the keyboard.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const wide = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };
const kPatience = 120_000; // of a loaded machine

export const counts = { passed: 0, failed: 0 };

export async function check(name, body) {
  try {
    await body();
    counts.passed += 1;
  } catch (error) {
    counts.failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}

export const launch = () =>
  chromium.launch({
    executablePath: "/usr/bin/chromium-headless-shell",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
  });

// A tab of its own, with what it asked for and complained of.
export async function openPage(browser, { viewport = wide, colorScheme = "light", reducedMotion = "no-preference" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion });
  const page = await context.newPage();
  page.setDefaultTimeout(kPatience);
  const seen = { requests: [], complaints: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error") seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  return { context, page, seen };
}

// Answers that were refused are told by browsers too; all else is a fault: of the page, or against its policy.
export const faultsIn = ({ complaints }) => complaints.filter((one) => !/the server responded with a status of 4/.test(one));

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What axe-core finds that is serious or critical, as texts.
export async function faultsOf(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join("\n")}`);
}

// What has the focus, as a screen reader would name it, and whether that is seen.
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: "", visible: true };
    const label = element.labels?.[0]?.textContent ?? "";
    const name = (element.getAttribute("aria-label") ?? (label || element.textContent || element.getAttribute("placeholder") || "")).trim();
    const ring = element.matches("input[type=radio]") ? element.nextElementSibling : (element.closest("form.composer:has(textarea:focus-visible)") ?? element);
    const { outlineStyle, boxShadow } = getComputedStyle(ring);
    return { name, tag: element.tagName, visible: outlineStyle !== "none" || boxShadow !== "none" };
  });

// Presses Tab until what has the focus is named so; it must be seen on the way.
export async function tabTo(page, name, most = 80) {
  const passed = [];
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (!now.visible) throw new Error(`the focus on ${now.tag} ${JSON.stringify(now.name)} is not seen`);
    passed.push(now.name);
    if (name instanceof RegExp ? name.test(now.name) : now.name === name) return passed;
  }
  throw new Error(`Tab does not lead to ${name}: ${JSON.stringify(passed)}`);
}
