// What goes wrong on the way: answers that are lost, sessions that end elsewhere.
import assert from "node:assert/strict";
import { check, faultsIn, openPage } from "./browser.mjs";
import { until } from "./service.mjs";
import { fillIn, headed, signIn, view } from "./steps.mjs";

// The access token that the page has is too old from now on.
const anHourOn = () => {
  const now = Date.now;
  Date.now = () => now() + 3_600_000;
};

export async function lostWalk({ browser, service }) {
  const dora = { email: "dora@example.com", password: "a varnish of dammar" };
  const eve = { email: "eve@example.com", password: "linen on a stretcher" };
  await service.tokenOf(eve);
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
    await page.evaluate(anHourOn);
    // By the address, since a poll may come first and take the links away.
    await page.evaluate(() => (location.hash = "#/keys"));
    await headed(page, "Sign in");
    await page.getByText("Your session has ended. Sign in again.").waitFor();
    await context.close();
  });

  for (const told of [true, false]) {
    await check(`who signs in in another tab takes the page's session, ${told ? "which is told" : "also where it is not told"}`, async () => {
      const { context, page } = await openPage(browser);
      const tab = await context.newPage();
      if (!told) await tab.addInitScript(() => (BroadcastChannel.prototype.postMessage = () => undefined));
      await tab.goto(`${service.url}/console`);
      await headed(tab, "Sign in");
      await signIn(page, service, dora);
      await headed(page, "Studio");
      await fillIn(tab, eve);
      await headed(tab, "Studio");
      if (!told) {
        await page.evaluate(anHourOn);
        await view(page, "API keys");
      }
      await page.getByText("Another session began in another tab.").waitFor();
      await page.reload();
      await headed(page, told ? "Studio" : "API keys");
      await view(page, "Account");
      await page.getByText(eve.email).first().waitFor();
      await headed(tab, "Studio");
      await context.close();
    });
  }

  for (const [whose, account] of [["one's own", dora], ["another user's", eve]]) {
    await check(`a mail that sets ${whose} password leads there also where one is signed in`, async () => {
      const { context, page, seen } = await openPage(browser);
      await signIn(page, service, dora);
      await headed(page, "Studio");
      const before = service.mailed("gp_");
      await service.ask("POST", "/api/v1/auth/forgot-password", { body: { email: account.email } });
      const mailed = await until(() => service.mailed("gp_") !== before && service.mailed("gp_"), "the mail");
      await page.goto(`${service.url}/console#token=${mailed}`);
      await headed(page, "Set a new password");
      assert.ok(!page.url().includes(mailed), "the token stays in the address");
      account.password = `${account.password}, once more`;
      await page.getByLabel("New password").fill(account.password);
      await page.getByRole("button", { name: "Set the password" }).click();
      await headed(page, "Sign in");
      await page.getByText("The new password is set.").waitFor();
      await page.reload();
      await headed(page, "Sign in");
      await fillIn(page, account);
      await headed(page, "Studio");
      assert.deepEqual(faultsIn(seen), []);
      await context.close();
    });
  }

  await check("an address that cannot be read is nowhere", async () => {
    const { context, page, seen } = await openPage(browser);
    await signIn(page, service, dora);
    await headed(page, "Studio");
    for (const address of ["%E0%A4%A", "work/%E0%A4%A", "%"]) {
      await page.goto(`${service.url}/console#/${address}`);
      await headed(page, "Not here");
      await page.reload();
      await headed(page, "Not here");
      await page.getByRole("link", { name: "Back to the studio" }).click();
      await headed(page, "Studio");
    }
    assert.deepEqual(faultsIn(seen), []);
    await context.close();
  });

  await check("what comes after one has signed out signs nobody in", async () => {
    const { context, page } = await openPage(browser);
    await signIn(page, service, dora);
    await headed(page, "Studio");
    let come;
    const gate = new Promise((resume) => (come = resume));
    const held = new Promise((resume) =>
      page.route("**/api/v1/users/me", async (route) => {
        const response = await route.fetch();
        resume(response.status());
        await gate;
        return route.fulfill({ response });
      }),
    );
    await page.getByLabel("Describe a picture").fill("A boat that is late");
    await page.getByRole("button", { name: "Paint it" }).click();
    assert.equal(await held, 200);
    await page.getByRole("button", { name: "Sign out" }).click();
    await headed(page, "Sign in");
    const late = page.waitForResponse("**/api/v1/users/me");
    come();
    await (await late).finished();
    // Two frames on, what follows from the answer is shown.
    await page.evaluate(() => new Promise((resume) => requestAnimationFrame(() => requestAnimationFrame(resume))));
    await headed(page, "Sign in");
    assert.equal(await page.getByRole("heading", { name: "Studio" }).count(), 0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  });
}
