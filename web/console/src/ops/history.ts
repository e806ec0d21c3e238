// The metrics of the last hour, and what can be reckoned from them: rates of what only grows, and
// quantiles of what was measured.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { poll } from "../poll";
import { asProblem, type Problem } from "../problem";

type Labels = Record<string, string>;

interface Series {
  name: string;
  labels: Labels;
  values: number[];
}

export class History {
  constructor(
    readonly times: number[] = [],
    private readonly series: Map<string, Series> = new Map(),
  ) {}

  /** With what came since. What an excerpt leaves out was 0. */
  with({ times, series }: Schemas["MetricHistory"], keep: number): History {
    const cut = Math.max(0, this.times.length + times.length - keep);
    const all = new Map<string, Series>();
    const before = this.times.map(() => 0);
    const after = times.map(() => 0);
    for (const one of series) {
      const labels = Object.fromEntries(one.labels.map(({ name, value }) => [name, value]));
      const key = JSON.stringify([one.name, labels]);
      all.set(key, { name: one.name, labels, values: [...(this.series.get(key)?.values ?? before), ...one.values].slice(cut) });
    }
    for (const [key, one] of this.series) {
      if (!all.has(key)) all.set(key, { ...one, values: [...one.values, ...after].slice(cut) });
    }
    return new History([...this.times, ...times.map((time) => Date.parse(time))].slice(cut), all);
  }

  /** The last so many milliseconds. */
  last(span: number): History {
    const end = this.times[this.times.length - 1] ?? 0;
    const from = this.times.findIndex((time) => time >= end - span);
    if (from <= 0) return this;
    const all = new Map([...this.series].map(([key, one]) => [key, { ...one, values: one.values.slice(from) }]));
    return new History(this.times.slice(from), all);
  }

  select(name: string, wanted: Labels = {}): Series[] {
    return [...this.series.values()].filter((one) => one.name === name && Object.entries(wanted).every(([key, value]) => one.labels[key] === value));
  }

  sum(name: string, wanted: Labels = {}): number[] {
    const total = this.times.map(() => 0);
    for (const { values } of this.select(name, wanted)) {
      for (const [index, value] of values.entries()) total[index] = (total[index] ?? 0) + value;
    }
    return total;
  }

  /** How much it grew by in a second, up to each time; null at the first, and where the process began anew. */
  rate(counter: number[]): (number | null)[] {
    return counter.map((value, index) => {
      const before = counter[index - 1];
      const seconds = ((this.times[index] ?? 0) - (this.times[index - 1] ?? 0)) / 1000;
      return before === undefined || value < before || seconds <= 0 ? null : (value - before) / seconds;
    });
  }

  /** How much it grew by in all. */
  growth(counter: number[]): number {
    let sum = 0;
    for (let index = 1; index < counter.length; index += 1) sum += Math.max(0, (counter[index] ?? 0) - (counter[index - 1] ?? 0));
    return sum;
  }

  private buckets(name: string) {
    return this.select(`${name}_bucket`)
      .map(({ labels, values }) => ({ bound: labels.le === "+Inf" ? Infinity : Number(labels.le), values }))
      .sort((a, b) => a.bound - b.bound);
  }

  /** A quantile of what a histogram counted between each time and the one before. */
  quantile(name: string, share: number): (number | null)[] {
    const buckets = this.buckets(name);
    return this.times.map((_, index) => (index === 0 ? null : quantileOf(buckets, index - 1, index, share)));
  }

  /** The same of all that was counted. */
  quantileOfAll(name: string, share: number): number | null {
    return this.times.length < 2 ? null : quantileOf(this.buckets(name), 0, this.times.length - 1, share);
  }
}

function quantileOf(buckets: { bound: number; values: number[] }[], from: number, to: number, share: number): number | null {
  const counts = buckets.map(({ bound, values }) => ({ bound, count: (values[to] ?? 0) - (values[from] ?? 0) }));
  const total = counts[counts.length - 1]?.count ?? 0;
  if (!(total > 0)) return null;
  const wanted = share * total;
  let below = { bound: 0, count: 0 };
  for (const bucket of counts) {
    if (bucket.count >= wanted) {
      if (bucket.bound === Infinity) return below.bound;
      const inside = bucket.count - below.count;
      return below.bound + (inside > 0 ? (wanted - below.count) / inside : 1) * (bucket.bound - below.bound);
    }
    below = bucket;
  }
  return below.bound;
}

const kEvery = 5000;
const kKept = 900;

/** The history, which goes on while the page is seen. */
export function useHistory(): { history: History | undefined; problem: Problem | undefined; again: () => void } {
  const [history, setHistory] = useState<History>();
  const [problem, setProblem] = useState<Problem>();
  const [turn, setTurn] = useState(0);
  const held = useRef(new History());
  useEffect(() => {
    return poll(async (signal) => {
      try {
        const last = held.current.times[held.current.times.length - 1];
        const query = last === undefined ? { points: 240 } : { points: 720, after: new Date(last).toISOString() };
        const fresh = await told(api.GET("/api/v1/admin/metrics", { params: { query } }));
        if (signal.aborted) return;
        held.current = held.current.with(fresh, kKept);
        setHistory(held.current);
        setProblem(undefined);
      } catch (error) {
        if (!signal.aborted) setProblem(asProblem(error));
      }
    }, kEvery);
  }, [turn]);
  return { history, problem, again: () => setTurn((one) => one + 1) };
}
