// A request that failed, in words for the person at the screen.

interface Violation {
  loc: (string | number)[];
  msg: string;
}

/** What RFC 9457 and FastAPI's 422 have in common; see src/gesso/http/problem.hpp. */
interface ProblemBody {
  title?: string;
  detail?: string | Violation[];
  code?: string;
  request_id?: string;
  challenge?: string;
}

export class Problem extends Error {
  constructor(
    /** 0 where no answer came. */
    readonly status: number,
    readonly title: string,
    message: string,
    readonly code = "",
    readonly requestId = "",
    /** What is wrong with each field of the request's body, by its name. */
    readonly fields: Record<string, string> = {},
    /** Seconds until it is worth another try. */
    readonly retryAfter: number | undefined = undefined,
    /** Of a login that asks for a code. */
    readonly challenge = "",
  ) {
    super(message);
  }
}

function wait(seconds: number): string {
  if (seconds < 90) return `${seconds} second${seconds === 1 ? "" : "s"}`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The problem that an answer's body tells of. */
export function problemOf(response: Response, body: unknown): Problem {
  const told: ProblemBody = typeof body === "object" && body !== null ? (body as ProblemBody) : {};
  const requestId = told.request_id ?? response.headers.get("X-Request-ID") ?? "";
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const retryAfter = Number.isNaN(after) ? undefined : after;
  if (Array.isArray(told.detail)) {
    const fields: Record<string, string> = {};
    for (const { loc, msg } of told.detail) fields[loc.slice(1).join(".")] = sentence(msg);
    const first = told.detail[0];
    const text = first ? sentence(`${first.loc.slice(1).join(".")}: ${first.msg}`) : "Something about the request does not fit.";
    return new Problem(response.status, "That does not fit", text, "unprocessable", requestId, fields);
  }
  const title = told.title ?? (response.status >= 500 ? "The service failed" : "The request was refused");
  let detail = sentence(told.detail ?? `The service answered ${response.status}`);
  if (retryAfter !== undefined && retryAfter > 1) detail += ` Try again in ${wait(retryAfter)}.`;
  return new Problem(response.status, title, detail, told.code ?? "", requestId, {}, retryAfter, told.challenge ?? "");
}

export const unreachable = () =>
  new Problem(0, "No connection", "The service does not answer. Look at your connection, and try again.", "unreachable");

/** Whether the service has refused for good what was sent. Else it may have been done all the same: the
 * answer was lost, or an earlier one under the same key is still to come. 401 and 429 come before keys. */
export const isRefusal = (error: unknown) =>
  error instanceof Problem && error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status) && error.code !== "request_in_progress";

/** Any failure as a problem; a fault of the page's own says so. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem(0, "The page failed", "Something went wrong in this page. Load it again.", "page_failed");
}
