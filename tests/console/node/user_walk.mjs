// The way of a user: an account, a picture, what there is around both, and out again.
import assert from "node:assert/strict";
import { check, faultsIn, openPage } from "./browser.mjs";
import { headed, isPainted, paint, signIn, view } from "./steps.mjs";
import { totp, until } from "./service.mjs";

export async function userWalk({ browser, service, account }) {
  const { url } = service;
  const { context, page, seen } = await openPage(browser);

  await check("a wrong password is told in words, with the request's id", async () => {
    await signIn(page, service, { email: "nobody@example.com", password: "not this one" });
    const note = page.getByRole("alert");
    await note.getByText("The email or the password is wrong.").waitFor();
    assert.match(await note.innerText(), /Request \S{8,}/);
  });

  await check("what does not fit is told at its field", async () => {
    await page.getByRole("link", { name: "Make an account" }).click();
    await headed(page, "Make an account");
    await page.getByLabel("Email").fill("ann");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Make the account" }).click();
    const email = page.getByLabel("Email");
    await page.waitForFunction((input) => input.getAttribute("aria-invalid") === "true", await email.elementHandle());
    const said = await page.locator(`[id="${(await email.getAttribute("aria-describedby")).split(" ")[0]}"]`).innerText();
    assert.ok(said.length > 5, said);
  });

  await check("who registers is in the studio, with credits", async () => {
    await page.getByLabel("Name (optional)").fill(account.full_name);
    await page.getByLabel("Email").fill(account.email);
    await page.getByLabel("Password").fill(account.password);
    await page.getByRole("button", { name: "Make the account" }).click();
    await headed(page, "Studio");
    await page.getByText("1 credit of 10 credits left").waitFor();
    await page.getByRole("heading", { name: "The ground is laid" }).waitFor();
  });

  await check("the mail's link confirms the address, in the session that was there", async () => {
    const token = await until(() => service.mailed("gv_"), "the mail");
    await page.goto(`${url}/console#token=${token}`);
    await headed(page, "Your address is confirmed");
    assert.ok(!page.url().includes(token), "the token stays in the address");
    await view(page, "Account");
    await page.getByText("Confirmed").waitFor();
  });

  await check("a reload keeps the session, and no script sees what keeps it", async () => {
    await page.reload();
    await headed(page, "Account");
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.doesNotMatch(kept, /gr_|eyJ/);
    const cookie = (await context.cookies()).find(({ name }) => name === "__Host-gesso-session");
    assert.ok(cookie?.httpOnly && cookie.secure && cookie.sameSite === "Strict", JSON.stringify(cookie));
  });

  await check("a prompt becomes a picture while one looks", async () => {
    await view(page, "Studio");
    await page.getByRole("radio", { name: "2", exact: true }).check();
    const tile = await paint(page, "A beautiful sunset over mountains");
    await page.getByText("2 credits of 8 credits left").waitFor();
    assert.ok(await isPainted(tile.getByRole("img")));
    assert.ok(seen.requests.some((one) => one.endsWith("/events")), "nothing was streamed");
    assert.ok(!seen.requests.some((one) => /access_token|Bearer|eyJ/.test(one)), "a token is in an address");
  });

  await check("a picture has a view of its own, and its words can be used again", async () => {
    await page.getByTestId("gallery").getByRole("link").first().click();
    await headed(page, "Picture");
    await page.getByRole("img", { name: "A beautiful sunset over mountains" }).nth(1).waitFor();
    await page.getByText("2 credits", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Use these words again" }).click();
    await headed(page, "Studio");
    assert.equal(await page.getByLabel("Describe a picture").inputValue(), "A beautiful sunset over mountains");
  });

  await check("words of a user's are no markup", async () => {
    const words = `<img src=x onerror="document.title='taken'"><b>bold</b>`;
    await page.getByRole("radio", { name: "1", exact: true }).check();
    await paint(page, words);
    assert.equal(await page.locator("main b").count(), 0);
    assert.doesNotMatch(await page.title(), /taken/);
  });

  await check("more than there is cannot be asked for", async () => {
    await page.getByLabel("Describe a picture").fill("Four of them, and four more");
    await page.getByRole("radio", { name: "4", exact: true }).check();
    await page.getByRole("button", { name: "Paint it" }).click();
    await page.getByText("4 credits of 3 credits left").waitFor();
    assert.ok(await page.getByRole("button", { name: "Paint it" }).isDisabled());
    await page.getByRole("link", { name: "Get more" }).waitFor();
    await page.getByRole("radio", { name: "1", exact: true }).check();
  });

  await check("a picture is deleted once that was asked twice", async () => {
    const before = await page.getByTestId("gallery").getByRole("link").count();
    await page.getByTestId("gallery").getByRole("link").filter({ hasText: "<b>bold</b>" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete it" }).click();
    await headed(page, "Studio");
    await page.waitForFunction((count) => document.querySelectorAll("[data-testid=gallery] a").length === count, before - 1);
  });

  await check("credits, plans and what was done are told", async () => {
    await view(page, "Credits and usage");
    await page.getByText("You can spend").waitFor();
    await page.getByRole("button", { name: "Choose Pro" }).waitFor();
    await page.getByRole("button", { name: "Credits spent, by day as a table" }).click();
    await page.getByRole("region", { name: "Credits spent, by day, table" }).getByRole("cell", { name: "7", exact: true }).waitFor();
  });

  await check("a key is made, shown once, good, and ended", async () => {
    await view(page, "API keys");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("my script");
    await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
    const key = (await page.getByTestId("key").innerText()).trim();
    await page.getByRole("button", { name: "I have kept it" }).click();
    assert.equal((await service.ask("GET", "/api/v1/generations", { token: key })).status, 200);
    assert.equal(await page.getByText(key).count(), 0);
    await page.getByRole("button", { name: "End the key my script" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End it" }).click();
    await page.getByRole("heading", { name: "No keys yet" }).waitFor();
    assert.equal((await service.ask("GET", "/api/v1/generations", { token: key })).status, 401);
  });

  await check("another session is seen and ended, and its page says so", async () => {
    const other = await openPage(browser);
    await signIn(other.page, service, account);
    await headed(other.page, "Studio");
    await view(page, "Account");
    await page.getByRole("button", { name: "End all others" }).click();
    await page.getByText(/sessions? (is|are) ended/).waitFor();
    await view(other.page, "API keys");
    await other.page.getByText("Your session has ended. Sign in again.").waitFor();
    await other.context.close();
  });

  await check("a second factor is turned on, and asked for", async () => {
    await page.getByRole("button", { name: "Turn it on" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Password").fill(account.password);
    await dialog.getByRole("button", { name: "Go on" }).click();
    const secret = (await page.getByTestId("totp-secret").innerText()).trim();
    await dialog.getByLabel("Code").fill(totp(secret));
    await dialog.getByRole("button", { name: "Turn it on" }).click();
    await dialog.getByRole("button", { name: "I have kept them" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await headed(page, "Sign in");
    await signIn(page, service, account);
    await headed(page, "Second factor");
    await page.getByLabel("Code").fill(totp(secret, "now + 30 seconds"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await headed(page, "Studio");
    await view(page, "Account");
    await page.getByRole("button", { name: "Turn it off" }).click();
    await dialog.getByLabel("Password").fill(account.password);
    await dialog.getByRole("button", { name: "Turn it off" }).click();
    await page.getByText("The second factor is off.").waitFor();
  });

  await check("who signs out is out, also after a reload, and so are other tabs", async () => {
    const tab = await context.newPage();
    await tab.goto(`${url}/console`);
    await headed(tab, "Studio");
    await page.getByRole("button", { name: "Sign out" }).click();
    await headed(page, "Sign in");
    await tab.getByText("You signed out in another tab.").waitFor();
    await page.reload();
    await headed(page, "Sign in");
    assert.deepEqual((await context.cookies()).filter(({ name }) => name === "__Host-gesso-session"), []);
  });

  await check("nothing was asked of another host", async () => {
    assert.ok(seen.requests.length > 20);
    assert.deepEqual(seen.requests.filter((one) => !one.startsWith(`${url}/`) && !one.startsWith("data:") && !one.startsWith("blob:")), []);
  });
  await check("nothing was refused by the page's policy, and nothing failed", async () => assert.deepEqual(faultsIn(seen), []));
  await context.close();
}
