// The way of an administrator: how the service fares, its users, its pictures, its database.
import assert from "node:assert/strict";
import { check, faultsIn, openPage } from "./browser.mjs";
import { headed, isPainted, signIn, view } from "./steps.mjs";

export async function operatorWalk({ browser, service, account, user }) {
  await service.tokenOf(account);
  const { context, page, seen } = await openPage(browser);

  await check("who is no administrator has no operations", async () => {
    await signIn(page, service, account);
    await headed(page, "Studio");
    assert.equal(await page.getByRole("link", { name: "Overview" }).count(), 0);
    await page.goto(`${service.url}/console#/operate`);
    await headed(page, "Not here");
  });

  await check("an administrator sees requests come in", async () => {
    service.promote(account.email);
    await page.goto(`${service.url}/console#/`);
    await page.reload();
    await view(page, "Overview");
    await headed(page, "Overview");
    await page.getByText("Ready", { exact: true }).waitFor();
    const rate = page.locator(".figure", { hasText: "Requests a second" }).locator("dd").first();
    await page.waitForFunction((element) => Number.parseFloat(element.textContent) > 0, await rate.elementHandle());
    const chart = page.getByRole("group", { name: "Requests a second" });
    await chart.waitFor();
    assert.ok((await chart.locator("path.curve").count()) >= 1);
  });

  await check("a moment of a chart is chosen by the arrow keys, and its figures are told", async () => {
    const chart = page.getByRole("group", { name: "Requests a second" });
    await chart.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    assert.equal(await chart.locator("line.cross").count(), 1);
    const legend = page.locator(".chart", { has: chart }).locator(".legend");
    assert.match(await legend.innerText(), /Good\s+[\d.,]+/);
  });

  await check("operations are listed with their figures", async () => {
    const table = page.getByRole("region", { name: "By operation, table" });
    await table.getByRole("cell", { name: "getMe", exact: true }).waitFor();
  });

  await check("the database is told, by collection and index", async () => {
    await view(page, "Database");
    const table = page.getByRole("region", { name: "Collections, table" });
    await table.getByRole("button", { name: /^generations and its/ }).waitFor();
    await table.getByRole("button", { name: /^users and its/ }).click();
    await table.getByText("email_1", { exact: true }).waitFor();
  });

  await check("a user is found by address, and gets credits", async () => {
    await view(page, "Users");
    await page.getByRole("cell", { name: account.email }).waitFor();
    await page.getByLabel("Email").fill(user.email);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await page.getByRole("link", { name: user.email }).click();
    await headed(page, user.email);
    await page.getByLabel("How many").fill("25");
    await page.getByLabel("Why").fill("Made up for the outage of May 3");
    await page.getByRole("button", { name: "Grant them" }).click();
    await page.getByText("25 credits granted.").waitFor();
    const { body } = await service.ask("GET", "/api/v1/users/me", { token: await service.tokenOf(user) });
    assert.equal(body.credits_remaining, 28); // 10, less the 7 that are spent, and 25
  });

  await check("a user is locked out, and let in again", async () => {
    const { email, password } = user;
    await page.getByRole("button", { name: "Lock out" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Do it" }).click();
    await page.getByText("The user is locked out everywhere.").waitFor();
    assert.equal((await service.ask("POST", "/api/v1/auth/login", { body: { email, password } })).status, 401);
    await page.getByRole("button", { name: "Let in again" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Do it" }).click();
    await page.getByText("The user may log in again.").waitFor();
    assert.equal((await service.ask("POST", "/api/v1/auth/login", { body: { email, password } })).status, 200);
  });

  await check("the pictures of all are seen, and one of them closer", async () => {
    await view(page, "Pictures");
    const tile = page.getByRole("button", { name: /sunset over mountains/ }).first();
    assert.ok(await isPainted(tile.getByRole("img")));
    await tile.click();
    await page.getByRole("dialog").getByRole("link", { name: "Who asked for it" }).click();
    await headed(page, user.email);
  });

  await check("usage over days is told, and who did the most", async () => {
    await view(page, "Usage");
    await page.getByRole("group", { name: "Pictures asked for" }).waitFor();
    await page.getByRole("region", { name: "Who did the most, table" }).getByRole("link").first().waitFor();
  });
  await check("pictures are shown where the service is reached by another name, too", async () => {
    const other = { url: service.url.replace("127.0.0.1", "localhost") };
    await signIn(page, other, user);
    await headed(page, "Studio");
    const picture = page.getByTestId("gallery").getByRole("img").first();
    await picture.waitFor();
    assert.ok(await isPainted(picture));
    assert.ok(new URL(await picture.getAttribute("src"), page.url()).hostname !== "localhost");
  });
  await check("nothing failed on an administrator's way, nor was refused by the page's policy", async () => assert.deepEqual(faultsIn(seen), []));
  await context.close();
}
