// Lists that come page by page, newest first, while what is in them changes.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useAsked, type Asked } from "./hooks";
import { asProblem, type Problem } from "./problem";

export interface Page<T> {
  items: T[];
  /** What gives the next one; null on the last. */
  next: string | null;
}

interface Item {
  id: string;
}

export interface Pages<T> {
  /** What has come so far, each item once. */
  asked: Asked<Page<T>>;
  /** The next page. */
  more: { busy: boolean; problem: Problem | undefined; show: () => void } | undefined;
  /** The first page anew. */
  refresh: () => Promise<void>;
  /** An item that is new, or has changed. */
  put: (item: T) => void;
}

/** An older page below what is there. What moved down meanwhile is in it once more, and is left where it is. */
function below<T extends Item>(above: Page<T>, page: Page<T>): Page<T> {
  const there = new Set(above.items.map(({ id }) => id));
  return { items: [...above.items, ...page.items.filter(({ id }) => !there.has(id))], next: page.next };
}

/** The first page anew, over what is there: below it goes on with what was below the last of its items. What
 * stood among them and is not in it any more is gone. */
function above<T extends Item>(page: Page<T>, below: Page<T>): Page<T> {
  const fresh = new Set(page.items.map(({ id }) => id));
  const last = below.items.findLastIndex(({ id }) => fresh.has(id));
  // Of a last page that is the first one, too, there is nothing below.
  const rest = page.next === null || last < 0 ? [] : below.items.slice(last + 1);
  return rest.length === 0 ? page : { items: [...page.items, ...rest], next: below.next };
}

/** The list that `keys` choose. Whatever was asked for before they changed comes too late, as does a first page
 * that was asked for before the page itself put something there. */
export function usePages<T extends Item>(load: (cursor?: string) => Promise<Page<T>>, keys: unknown[]): Pages<T> {
  const asked = useAsked(() => load(), keys);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const turn = useRef(0);
  const puts = useRef(0);
  useEffect(() => {
    setBusy(false);
    setProblem(undefined);
    return () => {
      turn.current += 1;
    };
  }, keys);
  const { change, again } = asked;
  const show = async (cursor: string) => {
    const now = turn.current;
    setBusy(true);
    setProblem(undefined);
    try {
      const page = await load(cursor);
      if (now === turn.current) change((all) => below(all, page));
    } catch (error) {
      if (now === turn.current) setProblem(asProblem(error));
    } finally {
      if (now === turn.current) setBusy(false);
    }
  };
  const refresh = async () => {
    const now = [turn.current, puts.current];
    const page = await load();
    if (now[0] === turn.current && now[1] === puts.current) change((all) => above(page, all));
  };
  const none = asked.data === undefined;
  const put = useCallback((item: T) => {
    puts.current += 1;
    if (none) again(); // what is asked for may not have it yet
    change((all) => {
      const there = all.items.some(({ id }) => id === item.id);
      return { ...all, items: there ? all.items.map((one) => (one.id === item.id ? item : one)) : [item, ...all.items] };
    });
  }, [change, again, none]);
  const next = asked.data?.next ?? null;
  const more = next === null ? undefined : { busy, problem, show: () => void (busy || show(next)) };
  return { asked, more, refresh, put };
}
