// Lists that come page by page: while another list is chosen, and while what is in them moves.
import assert from "node:assert/strict";
import { check, faultsIn, openPage } from "./browser.mjs";
import { headed, signIn } from "./steps.mjs";

const kPage = 4;

// Each list: its address, how its items are shown, and how another list is chosen.
const lists = [
  {
    title: "Studio",
    path: "",
    api: "/api/v1/generations",
    more: "cursor",
    tiles: (page) => page.getByTestId("gallery").getByRole("link"),
    choose: (page) => page.getByRole("radio", { name: "Failed" }).check(),
    chosen: (query) => query.get("status") === "failed",
  },
  {
    title: "Pictures",
    path: "operate/pictures",
    api: "/api/v1/admin/generations",
    more: "before",
    tiles: (page) => page.locator("ul.gallery button.tile"),
    choose: (page) => page.getByRole("radio", { name: "Failed" }).check(),
    chosen: (query) => query.get("status") === "failed",
  },
  {
    title: "Users",
    path: "operate/users",
    api: "/api/v1/admin/users",
    more: "cursor",
    tiles: (page) => page.locator("tbody tr"),
    choose: (page) => page.getByRole("radio", { name: "Locked out" }).check(),
    chosen: (query) => query.get("active") === "false",
  },
];

// The answers of a list are made of one item that the service told, under other names.
async function answer(page, { api, more, chosen }, like, gate) {
  const item = (name) => ({ ...like, id: `${like.id}_${name}`, prompt: name, email: `${name}@example.com` });
  const next = more === "before" ? "older" : "next_cursor";
  await page.route(
    (url) => url.pathname === api,
    async (route) => {
      if (route.request().method() !== "GET") return route.continue();
      const query = new URL(route.request().url()).searchParams;
      const body = (names, last) => ({ json: { items: names.map(item), [next]: last ? null : like.created_at } });
      if (chosen(query)) return route.fulfill(body(["another"], true));
      if (!query.has(more)) return route.fulfill(body(["one", "two", "three", "four"], false));
      await gate.passed;
      // "four" moved down since the first page was told.
      return route.fulfill(body(["four", "five"], true));
    },
  );
}

export async function listsWalk({ browser, service }) {
  const gil = { email: "gil@example.com", password: "rabbit-skin glue, warmed" };
  const token = await service.tokenOf(gil);
  service.promote(gil.email);
  const { body: user } = await service.ask("GET", "/api/v1/users/me", { token });
  const { body: made } = await service.ask("POST", "/api/v1/generations", { token, body: { prompt: "One like many" } });
  const { body: picture } = await service.ask("POST", `/api/v1/generations/${made.id}/cancel`, { token });
  assert.equal(picture.status, "cancelled");

  for (const list of lists) {
    const like = list.title === "Users" ? user : picture;
    const shown = async () => {
      const { context, page, seen } = await openPage(browser);
      const gate = {};
      gate.passed = new Promise((resume) => (gate.open = resume));
      await answer(page, list, like, gate);
      await signIn(page, service, gil);
      await headed(page, "Studio");
      await page.goto(`${service.url}/console#/${list.path}`);
      await headed(page, list.title);
      await list.tiles(page).nth(kPage - 1).waitFor();
      return { context, page, seen, gate, tiles: list.tiles(page) };
    };
    const button = (page) => page.getByRole("button", { name: "Show older ones" });

    await check(`${list.title}: what moved to the next page is shown once`, async () => {
      const { context, page, seen, gate, tiles } = await shown();
      gate.open();
      await button(page).click();
      await tiles.filter({ hasText: "five" }).waitFor();
      assert.equal(await tiles.count(), kPage + 1);
      assert.equal(await tiles.filter({ hasText: "four" }).count(), 1);
      assert.equal(await button(page).count(), 0);
      assert.deepEqual(faultsIn(seen), []);
      await context.close();
    });

    await check(`${list.title}: a page that comes late is none of the list that was chosen meanwhile`, async () => {
      const { context, page, seen, gate, tiles } = await shown();
      const late = page.waitForResponse((response) => new URL(response.url()).searchParams.has(list.more));
      late.catch(() => undefined); // it is waited for below
      await button(page).click();
      await list.choose(page);
      await tiles.filter({ hasText: "another" }).waitFor();
      gate.open();
      await (await late).finished();
      // Two frames on, what follows from the answer is shown.
      await page.evaluate(() => new Promise((resume) => requestAnimationFrame(() => requestAnimationFrame(resume))));
      assert.equal(await tiles.count(), 1);
      assert.deepEqual(faultsIn(seen), []);
      await context.close();
    });
  }
}
