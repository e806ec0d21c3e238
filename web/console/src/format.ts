// Figures and times as people read them, in the browser's language.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

export const count = (value: number) => whole.format(value);

/** 0.123, 4.56, 78.9, 1,234. */
export const number = (value: number) => (Math.abs(value) >= 100 ? whole.format(value) : fine.format(value));

export const plural = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export function duration(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${fine.format(seconds * 1e6)} µs`;
  if (seconds < 1) return `${fine.format(seconds * 1e3)} ms`;
  if (seconds < 90) return `${fine.format(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${fine.format(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export const percent = (share: number) => `${number(share * 100)} %`;

export function megabytes(value: number): string {
  if (value >= 1024) return `${fine.format(value / 1024)} GB`;
  if (value >= 1) return `${fine.format(value)} MB`;
  return `${fine.format(value * 1024)} kB`;
}

export const money = (cents: number, currency: string) =>
  new Intl.NumberFormat(undefined, { style: "currency", currency: currency || "USD", trailingZeroDisplay: "stripIfInteger" } as Intl.NumberFormatOptions).format(
    cents / 100,
  );

const dateText = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const momentText = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clockText = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const exactClockText = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayText = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const date = (iso: string) => dateText.format(new Date(iso));
export const moment = (iso: string) => momentText.format(new Date(iso));
export const clock = (at: number) => clockText.format(at);
export const exactClock = (at: number) => exactClockText.format(at);
export const day = (at: number) => dayText.format(at);

/** "2 minutes ago". */
export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 45) return "just now";
  if (seconds < 5400) return `${plural(Math.round(seconds / 60), "minute")} ago`;
  if (seconds < 129_600) return `${plural(Math.round(seconds / 3600), "hour")} ago`;
  if (seconds < 30 * 86_400) return `${plural(Math.round(seconds / 86_400), "day")} ago`;
  return date(iso);
}

/** "image_generation" as "Image generation". */
export function words(name: string): string {
  const text = name.replace(/[_-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
