// What goes wrong on the way: answers that are lost, sessions that end elsewhere.
import assert from "node:assert/strict";
import { check, openPage } from "./browser.mjs";
import { headed, signIn, view } from "./steps.mjs";

export async function lostWalk({ browser, service }) {
  const dora = { email: "dora@example.com", password: "a varnish of dammar" };
  const token = await service.tokenOf(dora);

  await check("what is sent again after a lost answer is done once", async () => {
    const { context, page } = await openPage(browser);
    await signIn(page, service, dora);
    await headed(page, "Studio");
    let lost = 0;
    await page.route("**/api/v1/generations", async (route) => {
      if (route.request().method() !== "POST" || lost > 0) return route.continue();
      assert.equal((await route.fetch()).status(), 201);
      lost += 1;
      return route.abort();
    });
    await page.getByLabel("Describe a picture").fill("A boat, once");
    await page.getByRole("button", { name: "Paint it" }).click();
    await page.getByText("The service does not answer.").waitFor();
    await page.getByRole("button", { name: "Paint it" }).click();
    await page.getByTestId("gallery").getByRole("link").filter({ hasText: "A boat, once" }).first().waitFor();
    assert.equal(lost, 1);
    assert.equal((await service.ask("GET", "/api/v1/generations", { token })).body.items.length, 1);
    await context.close();
  });

  await check("a session that ended while nobody looked leads to sign-in", async () => {
    const { context, page } = await openPage(browser);
    await signIn(page, service, dora);
    await headed(page, "Studio");
    assert.equal((await service.ask("DELETE", "/api/v1/users/me/sessions", { token })).status, 200);
    await page.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() + 3_600_000;
    });
    await view(page, "API keys");
    await headed(page, "Sign in");
    await page.getByText("Your session has ended. Sign in again.").waitFor();
    await context.close();
  });
}
