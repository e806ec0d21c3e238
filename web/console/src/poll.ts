/** Runs `body` now and, with `every`, again so many milliseconds after each end, while the page is seen;
 * until what is returned is called, which also ends `signal`. `body` does not throw. */
export function poll(body: (signal: AbortSignal) => Promise<void>, every?: number): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = async () => {
    await body(signal);
    if (every !== undefined && !signal.aborted) timer = setTimeout(next, every);
  };
  const next = () => {
    if (document.visibilityState === "visible") void run();
    else document.addEventListener("visibilitychange", next, { once: true });
  };
  void run();
  return () => {
    ended.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", next);
  };
}
