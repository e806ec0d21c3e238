// Views have addresses behind `#`: the server knows one page, and behind any prefix of a proxy.
import { Store, useStore } from "./store";

export interface Route {
  /** "generations/gen_01" as ["generations", "gen_01"]; none is the first view. */
  path: string[];
  query: URLSearchParams;
}

/** What cannot be decoded is nowhere: as one name, which no view has. */
function decoded(path: string): string[] {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return [path];
  }
}

function read(): Route {
  const [path = "", query = ""] = window.location.hash.replace(/^#\/?/, "").split("?");
  return { path: decoded(path), query: new URLSearchParams(query) };
}

export const route = new Store<Route>(read());
window.addEventListener("hashchange", () => {
  // A mail's link that is opened where the page is already.
  if (window.location.hash.startsWith("#token=")) window.location.reload();
  else {
    // From the second view on the heading takes the focus; the first leaves it where browsers do.
    document.body.dataset.moved = "true";
    route.value = read();
  }
});

export const useRoute = () => useStore(route);

export const link = (...path: string[]) => `#/${path.map(encodeURIComponent).join("/")}`;

export function go(...path: string[]) {
  window.location.hash = link(...path);
}

/** The same, without a way back. */
export function replace(...path: string[]) {
  window.history.replaceState(null, "", link(...path));
  route.value = read();
}

/** What a mail led here with: `#token=gv_...`. It is taken out of the address at once. */
export function takeMailedToken(): string | null {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (token === null) return null;
  replace(token.startsWith("gp_") ? "reset" : "verify");
  return token;
}
