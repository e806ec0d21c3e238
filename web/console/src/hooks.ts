// What views do over and over: ask and wait, ask again, act and wait.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { poll } from "./poll";
import { asProblem, isRefusal, type Problem } from "./problem";

export interface Asked<T> {
  data: T | undefined;
  problem: Problem | undefined;
  /** Nothing has come yet. */
  loading: boolean;
  again: () => void;
  change: (how: (data: T) => T) => void;
}

/** Asks when the view is shown and when `keys` change. With `every`, again after so many milliseconds
 * while the page is seen; what is there stays there meanwhile, and after a failure. */
export function useAsked<T>(ask: () => Promise<T>, keys: unknown[], every?: number): Asked<T> {
  const [data, setData] = useState<T>();
  const [problem, setProblem] = useState<Problem>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setData(undefined);
    setProblem(undefined);
  }, keys);
  useEffect(() => {
    return poll(async (signal) => {
      try {
        const answer = await ask();
        if (signal.aborted) return;
        setData(() => answer);
        setProblem(undefined);
      } catch (error) {
        if (!signal.aborted) setProblem(asProblem(error));
      }
    }, every);
  }, [...keys, turn, every]);
  const again = useCallback(() => {
    setProblem(undefined);
    setTurn((one) => one + 1);
  }, []);
  const change = useCallback((how: (data: T) => T) => setData((old) => (old === undefined ? old : how(old))), []);
  return { data, problem, loading: data === undefined && problem === undefined, again, change };
}

export interface Action {
  busy: boolean;
  problem: Problem | undefined;
  /** Whether it came to a good end. */
  run: (body: () => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

/** Something that the person does, once at a time. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const running = useRef(false);
  const run = useCallback(async (body: () => Promise<void>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      await body();
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setProblem(undefined), []);
  return { busy, problem, run, clear };
}

/** Sends a body with an Idempotency-Key. What is sent again has the key that it had, until the service has
 * answered for good: so that it is done once, though an answer was lost. */
export function useSendOnce(): <Body, Answer>(body: Body, send: (body: Body, key: string) => Promise<Answer>) => Promise<Answer> {
  const sent = useRef<{ key: string; text: string } | undefined>(undefined);
  return useCallback(async (body, send) => {
    const text = JSON.stringify(body);
    if (sent.current?.text !== text) sent.current = { key: crypto.randomUUID(), text };
    try {
      const answer = await send(body, `"${sent.current.key}"`);
      sent.current = undefined;
      return answer;
    } catch (error) {
      if (isRefusal(error)) sent.current = undefined;
      throw error;
    }
  }, []);
}

/** The time, again every second while `on`. */
export function useNow(on: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}

/** A text that follows another once it has stood still for a while. */
export function useSettled<T>(value: T, milliseconds = 300): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
