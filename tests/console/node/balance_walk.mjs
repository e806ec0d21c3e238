// What there is to spend, as it changes while one looks: on a service that paints nothing, so that what
// is asked for waits until somebody cancels it.
import assert from "node:assert/strict";
import { check, faultsIn, openPage } from "./browser.mjs";
import { headed, paint, signIn } from "./steps.mjs";

const left = (page, credits) => page.getByText(`1 credit of ${credits} credits left`).waitFor();

export async function balanceWalk({ browser, service }) {
  const fay = { email: "fay@example.com", password: "a sable brush, size 4" };
  const token = await service.tokenOf(fay);
  const ask = async (prompt) => (await service.ask("POST", "/api/v1/generations", { token, body: { prompt } })).body;
  const cancel = async ({ id }) => assert.equal((await service.ask("POST", `/api/v1/generations/${id}/cancel`, { token })).status, 200);

  await check("credits that come back are seen, also of pictures beyond those that are streamed", async () => {
    const { context, page, seen } = await openPage(browser);
    const asked = [];
    for (const prompt of ["The first of four", "The second", "The third", "The fourth"]) asked.push(await ask(prompt));
    await signIn(page, service, fay);
    await headed(page, "Studio");
    await left(page, 6);
    await cancel(asked[0]);
    await left(page, 7);
    await cancel(asked[3]);
    await left(page, 8);
    assert.deepEqual(faultsIn(seen), []);
    await context.close();
  });

  await check("so are those of a plan, which are no part of the user's own", async () => {
    const { context, page, seen } = await openPage(browser);
    const fulfill = (path, change) =>
      page.route(path, async (route) => {
        const response = await route.fetch();
        return route.fulfill({ response, json: { ...(await response.json()), ...change() } });
      });
    let planned = 5;
    await fulfill("**/api/v1/users/me", () => ({ credits_remaining: 8 }));
    await fulfill("**/api/v1/subscriptions/me", () => ({ credits_left: planned }));
    await signIn(page, service, fay);
    await headed(page, "Studio");
    await left(page, 13);
    planned = 4;
    await paint(page, "Paid by the plan", false);
    await left(page, 12);
    planned = 5;
    const { body } = await service.ask("GET", "/api/v1/generations", { token });
    await cancel(body.items[0]);
    await left(page, 13);
    assert.deepEqual(faultsIn(seen), []);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  });
}
