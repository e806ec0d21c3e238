// Who is signed in. The access token is in memory alone. The refresh token is in a cookie that no
// script sees (POST /api/v1/auth/session), so that the page can be loaded again; where the browser
// takes no such cookie, since the page came over plain HTTP, it is in memory too, and a reload signs
// out. Tabs take turns, since a refresh token is good once.
import { Problem, problemOf, unreachable } from "./problem";
import { Store } from "./store";
import type { components } from "./api";

type Schemas = components["schemas"];
export type User = Schemas["User"];

export type State =
  | { kind: "restoring" }
  | { kind: "out"; why?: string }
  | { kind: "in"; user: User };

/** Says that there is a cookie worth asking for, and nothing else. */
const kHint = "gesso.session";
const kTaken = "Another session began in another tab. Load the page again to go on in it.";

export const session = new Store<State>({ kind: "restoring" });

/** Of the cookie's sessions, the one that this page is in. */
let sessionId: string | null = null;
/** How often somebody signed out. */
let era = 0;
let access: { token: string; until: number } | null = null;
let refreshToken: string | null = null;
let refreshing: Promise<void> | null = null;
/** What tabs tell each other: that one signed out, or into which session one signed in. */
type Told = "out" | { taken: string | null };
const tabs = new BroadcastChannel("gesso.session");

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw unreachable();
  }
  const text = await response.text();
  const told: unknown = text === "" ? undefined : JSON.parse(text);
  if (!response.ok) throw problemOf(response, told);
  return told;
}

const post = (path: string, body: unknown) =>
  ask(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** What was asked for before somebody signed out comes too late. */
function inTime(asked: number) {
  if (asked !== era) throw new Problem(401, "Signed out", "You signed out meanwhile.", "signed_out");
}

function hold(asked: number, token: string, seconds: number) {
  inTime(asked);
  access = { token, until: Date.now() + seconds * 1000 };
}

/** All tabs have one cookie: who signs in in one of them takes it from the others. */
async function openSession(token?: string) {
  const asked = era;
  const body = token ? { refresh_token: token } : {};
  const opened = (await navigator.locks.request("gesso.session", () => post("api/v1/auth/session", body))) as Schemas["BrowserSession"];
  inTime(asked);
  if (token === undefined && sessionId !== null && opened.session_id !== sessionId) {
    leaveToAnother();
    throw new Problem(401, "Signed out", kTaken, "other_session");
  }
  sessionId = opened.session_id;
  hold(asked, opened.access_token, opened.expires_in);
}

async function refreshNow() {
  if (refreshToken === null) {
    await openSession();
    return;
  }
  const asked = era;
  const pair = (await post("api/v1/auth/refresh", { refresh_token: refreshToken })) as Schemas["TokenPair"];
  hold(asked, pair.access_token, pair.expires_in);
  refreshToken = pair.refresh_token;
}

/** Gets the next access token; several who ask at once share one answer. Signs out where there is none. */
export function refresh(): Promise<void> {
  const asked = era;
  refreshing ??= refreshNow()
    .catch((error: unknown) => {
      if (error instanceof Problem && error.status === 401 && asked === era) forget("Your session has ended. Sign in again.");
      throw error;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

/** An access token that is good for a while yet; null where nobody is signed in. */
export async function accessToken(): Promise<string | null> {
  if (access === null) return null;
  if (access.until - Date.now() < 20_000) await refresh();
  return access?.token ?? null;
}

/** How often it was asked who is signed in. */
let asks = 0;

/** Asks who it is that is signed in, and shows that, unless it was asked again meanwhile. */
async function takeUser(asked: number) {
  const turn = ++asks;
  const token = await accessToken();
  const user = (await ask("api/v1/users/me", { headers: { Authorization: `Bearer ${token}` } })) as User;
  inTime(asked);
  if (turn === asks || session.value.kind !== "in") session.value = { kind: "in", user };
}

/** Takes what a login gave into use. */
export async function adopt(pair: Schemas["TokenPair"]) {
  const asked = era;
  if (window.isSecureContext) {
    await openSession(pair.refresh_token);
    localStorage.setItem(kHint, "1");
    tabs.postMessage({ taken: sessionId });
  } else {
    refreshToken = pair.refresh_token;
    hold(asked, pair.access_token, pair.expires_in);
  }
  await takeUser(asked);
}

/** After a reload: the session that the cookie keeps, if there is one. */
export async function restore() {
  if (localStorage.getItem(kHint) === null) {
    session.value = { kind: "out" };
    return;
  }
  const asked = era;
  try {
    await refresh();
    await takeUser(asked);
  } catch (error) {
    if (asked !== era) return;
    if (error instanceof Problem && error.status === 401) return forget();
    session.value = { kind: "out", why: error instanceof Problem ? error.message : "The session could not be taken up." };
  }
}

/** Whoever was signed in is not any more. */
export function forget(why?: string) {
  localStorage.removeItem(kHint);
  leave(why);
}

/** The cookie is another session's by now, which is left as it is. */
const leaveToAnother = () => leave(kTaken);

function leave(why?: string) {
  era += 1;
  access = null;
  refreshToken = null;
  sessionId = null;
  if (session.value.kind !== "out") session.value = { kind: "out", why };
}

export async function signOut() {
  const token = refreshToken;
  try {
    if (token === null) await post("api/v1/auth/session/end", undefined);
    else await post("api/v1/auth/revoke", { refresh_token: token });
  } finally {
    forget();
    tabs.postMessage("out");
  }
}

/** What the service says of the user has changed. Where it cannot be asked, what it said last stays. */
export async function reloadUser() {
  if (session.value.kind === "in") await takeUser(era).catch(() => undefined);
}

tabs.onmessage = ({ data }: MessageEvent<Told>) => {
  if (data === "out") forget("You signed out in another tab.");
  else if (sessionId !== null && data.taken !== sessionId) leaveToAnother();
};
