// What a person does on the console over and over.

export async function signIn(page, service, account) {
  await page.goto(`${service.url}/console`);
  await fillIn(page, account);
}

// The same where the page is there.
export async function fillIn(page, { email, password }) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export const view = (page, name) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name, exact: true }).click();

// Asks for a picture, and waits until it is there.
export async function paint(page, prompt, picture = true) {
  await page.getByLabel("Describe a picture").fill(prompt);
  await page.getByRole("button", { name: "Paint it" }).click();
  const tile = page.getByTestId("gallery").getByRole("link").filter({ hasText: prompt }).first();
  await tile.waitFor();
  if (picture) await tile.getByRole("img", { name: prompt }).waitFor();
  return tile;
}

export const headed = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

// Whether the pixels are there, and not just the element.
export const isPainted = (image) => image.evaluate(async (element) => {
  await element.decode();
  return element.naturalWidth > 0;
});
