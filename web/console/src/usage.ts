// The entries of a usage report as the lines of a chart.
import type { Schemas } from "./client";
import type { Line } from "./ui/chart";

type Item = Schemas["UsageReport"]["items"][number];
type Action = Item["action_type"];

const kDay = 86_400_000;

export const actionText: Record<Action, string> = {
  image_generation: "Pictures",
  api_request: "Requests",
  file_upload: "Uploads",
  refund: "Given back",
  credit_grant: "Granted",
};

/** Every day from the first on, those without anything too. */
export function daysOf(count: number, now = Date.now()): number[] {
  const today = Math.floor(now / kDay) * kDay;
  return Array.from({ length: count }, (_, index) => today - (count - 1 - index) * kDay);
}

/** Days are the service's, in UTC; they are shown at noon there, so that they keep their name here. */
export const noons = (days: number[]) => days.map((day) => day + kDay / 2);

export function lineOf(items: Item[], days: number[], action: Action, what: "count" | "credits_used", color: string): Line {
  const byDay = new Map<number, number>();
  for (const item of items) {
    if (item.action_type === action) byDay.set(Date.parse(`${item.day}T00:00:00Z`), item[what]);
  }
  return { name: actionText[action], color, values: days.map((day) => Math.abs(byDay.get(day) ?? 0)) };
}
