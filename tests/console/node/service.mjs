// The service as the console's user does not see it: its mails, its other users, a worker.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export class Service {
  constructor(url, log, gesso, dataDir) {
    Object.assign(this, { url, log, gesso, dataDir });
  }

  async ask(method, path, { token, body } = {}) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(body ? { "Content-Type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && (response.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : text };
  }

  // Makes an account, if there is none yet, and logs in.
  async tokenOf(account) {
    await this.ask("POST", "/api/v1/auth/register", { body: account });
    const { body } = await this.ask("POST", "/api/v1/auth/login", { body: { email: account.email, password: account.password } });
    return body.access_token;
  }

  promote(email) {
    execFileSync(this.gesso, ["set-role", "--email", email, "--data-dir", this.dataDir]);
  }

  // The last of what was mailed that begins so.
  mailed(prefix) {
    return readFileSync(this.log, "utf8").match(new RegExp(`${prefix}[A-Za-z0-9_-]+`, "g"))?.at(-1);
  }
}

export async function until(look, what = "it") {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  throw new Error(`${what} did not come about within a minute`);
}

// The code of these 30 seconds, or of the next ones: each is good once.
export const totp = (secret, when = "now") => execFileSync("oathtool", ["--totp", "-b", "-N", when, secret], { encoding: "utf8" }).trim();
