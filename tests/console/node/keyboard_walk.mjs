// The same without a pointer: every step by the keyboard, and the focus seen on each.
import assert from "node:assert/strict";
import { check, faultsIn, openPage, tabTo } from "./browser.mjs";
import { headed } from "./steps.mjs";

const carol = { email: "carol@example.com", password: "ultramarine on gesso" };

export async function keyboardWalk({ browser, service }) {
  await service.tokenOf(carol);
  const { context, page, seen } = await openPage(browser);
  const { keyboard } = page;

  await check("one signs in by the keyboard", async () => {
    await page.goto(`${service.url}/console`);
    await headed(page, "Sign in");
    await tabTo(page, "Email");
    await keyboard.type(carol.email);
    await tabTo(page, "Password");
    await keyboard.type(carol.password);
    await keyboard.press("Enter");
    await headed(page, "Studio");
  });

  await check("the first stop leads past the navigation", async () => {
    await page.reload();
    await headed(page, "Studio");
    await tabTo(page, "Skip to the content", 1);
    await keyboard.press("Enter");
    await tabTo(page, "Describe a picture", 1);
  });

  await check("one asks for a picture by the keyboard, options too", async () => {
    await keyboard.type("A lighthouse at dusk, oil on canvas");
    await tabTo(page, /1024 × 1024/);
    await keyboard.press("ArrowRight");
    await tabTo(page, "1");
    await keyboard.press("ArrowRight");
    await page.getByText("2 credits of 10 credits left").waitFor();
    await tabTo(page, "More options");
    await keyboard.press("Enter");
    await tabTo(page, "Seed");
    await keyboard.type("7");
    await tabTo(page, "Paint it");
    await keyboard.press("Enter");
    await page.getByTestId("gallery").getByRole("img", { name: "A lighthouse at dusk, oil on canvas" }).waitFor();
  });

  await check("one opens it and is told where one is", async () => {
    await tabTo(page, /A lighthouse at dusk/);
    await keyboard.press("Enter");
    await headed(page, "Picture");
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    await page.getByText("1024 × 1792").waitFor();
  });

  await check("a dialog holds the focus, and gives it back", async () => {
    await tabTo(page, "Delete");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Keep it", 3);
    await keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement?.textContent === "Delete");
  });

  await check("one signs out by the keyboard", async () => {
    await page.reload();
    await headed(page, "Picture");
    await tabTo(page, /Sign out/);
    await keyboard.press("Enter");
    await headed(page, "Sign in");
  });
  await check("nothing failed on the keyboard's way, nor was refused by the page's policy", async () => assert.deepEqual(faultsIn(seen), []));
  await context.close();
}
