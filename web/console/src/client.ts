// The API, with types from its own document: `npm run types` writes api.d.ts from a running service,
// and the tests from the program that they test.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";
import { problemOf, unreachable } from "./problem";
import { accessToken, refresh, session } from "./session";

export type Schemas = components["schemas"];
export type Generation = Schemas["Generation"];

/** Asks with the access token; once more with the next one where that is not good any more. */
async function ask(request: Request): Promise<Response> {
  const again = request.clone();
  let token = await accessToken();
  if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
  const response = await send(request);
  if (response.status !== 401 || token === null) return response;
  try {
    await refresh();
  } catch {
    return response;
  }
  token = await accessToken();
  again.headers.set("Authorization", `Bearer ${token}`);
  return send(again);
}

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
}

/** Where the API is: beside the page, behind whatever prefix a proxy puts before both. */
export const baseUrl = new URL(".", document.baseURI).href.replace(/\/$/, "");

export const api = createClient<paths>({ baseUrl, fetch: ask });

/** The body of a good answer; throws a Problem for any other. */
export async function told<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemOf(response, error);
  return data as T;
}

/** The same path with the token, for what is no JSON: event streams, an export. */
export const askRaw = (path: string, init?: RequestInit) => ask(new Request(`${baseUrl}${path}`, init));

export const isAdmin = () => session.value.kind === "in" && session.value.user.role === "admin";
