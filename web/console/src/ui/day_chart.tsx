// What was done on each day, of one kind of action.
import { lineOf, noons } from "../usage";
import { ChartCard } from "./chart";

interface DayChartProps {
  title: string;
  items: Parameters<typeof lineOf>[0];
  days: number[];
  action: Parameters<typeof lineOf>[2];
  /** What is counted: how often, or what it cost. */
  of: Parameters<typeof lineOf>[3];
  color: string;
}

export function DayChart({ title, items, days, action, of, color }: DayChartProps) {
  return <ChartCard title={title} kind="sticks" days times={noons(days)} lines={[lineOf(items, days, action, of, color)]} nothing={`None in ${days.length} days`} />;
}
