// Figures over time, as curves, areas or sticks. The pointer or the arrow keys choose a moment, whose
// figures the legend shows; a table holds them all.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { clock, day, exactClock, number } from "../format";
import { Card } from "./parts";

export interface Line {
  name: string;
  /** "1" to "5" or "bad": which of the chart's colours. */
  color: string;
  /** One for each time; null where there is none. */
  values: (number | null)[];
}

interface ChartProps {
  title: string;
  times: number[];
  lines: Line[];
  kind?: "curve" | "area" | "sticks";
  show?: (value: number) => string;
  /** The time axis holds days. */
  days?: boolean;
  nothing?: string;
  /** The axis reaches at least so far. */
  atLeast?: number;
}

const kHeight = 176;
const kTop = 8;
const kBottom = 22;
const kLeft = 48;

/** The next round number above, and the steps to it: whole ones of what is counted. */
export function scaleOf(most: number, whole = false): { top: number; steps: number[] } {
  if (!(most > 0)) return { top: 1, steps: [0, 0.5, 1] };
  const unit = 10 ** Math.floor(Math.log10(most));
  const tops = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12].map((step) => Number((step * unit).toPrecision(6)));
  const top = tops.find((one) => one >= most * 0.999 && (!whole || one % 2 === 0)) ?? 10 * unit;
  return { top, steps: [0, top / 2, top] };
}

function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return { element, width };
}

/** Pieces of a curve between the places where there is no value. */
function pieces(points: ([number, number] | null)[]): [number, number][][] {
  const all: [number, number][][] = [[]];
  for (const point of points) {
    if (point === null) all.push([]);
    else all[all.length - 1]?.push(point);
  }
  return all.filter((piece) => piece.length > 0);
}

const path = (piece: [number, number][]) => piece.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export function Chart(props: ChartProps) {
  const { title, times, lines, kind = "curve", show = number, days = false, nothing = "Nothing yet", atLeast = 0 } = props;
  const { element, width } = useWidth();
  const [chosen, setChosen] = useState<number>();
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const stacked = kind !== "curve";
  const sums = times.map((_, index) => lines.reduce((sum, line) => sum + (line.values[index] ?? 0), 0));
  const most = stacked ? Math.max(0, ...sums) : Math.max(0, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
  const { top, steps } = scaleOf(Math.max(most, atLeast), kind === "sticks");
  const first = times[0] ?? 0;
  const last = times[times.length - 1] ?? 1;
  const inner = Math.max(width - kLeft - 4, 1);
  const stick = kind === "sticks" ? inner / Math.max(times.length, 1) : 0;
  const x = (index: number) => {
    if (kind === "sticks") return kLeft + stick * (index + 0.5);
    return kLeft + (last === first ? inner : (((times[index] ?? first) - first) / (last - first)) * inner);
  };
  const y = (value: number) => kTop + (1 - value / top) * (kHeight - kTop - kBottom);
  const at = chosen === undefined ? times.length - 1 : Math.min(chosen, times.length - 1);
  const label = (index: number) => {
    const time = times[index] ?? 0;
    return days ? day(time) : exactClock(time);
  };

  const nearest = (clientX: number, target: SVGSVGElement) => {
    const place = clientX - target.getBoundingClientRect().left;
    let best = 0;
    for (let index = 1; index < times.length; index += 1) {
      if (Math.abs(x(index) - place) < Math.abs(x(best) - place)) best = index;
    }
    setChosen(best);
  };
  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: times.length - 1 };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(times.length - 1, to)));
  };

  const ticks = days ? Math.min(times.length, Math.max(2, Math.floor(inner / 80))) : Math.max(2, Math.min(6, Math.floor(inner / 90)));
  const below = times.map(() => 0);

  return (
    <div class="chart" ref={element}>
      <div class="card-head">
        <h3 id={id}>{title}</h3>
        <button type="button" class="button plain slim" aria-pressed={asTable} aria-label={`${title} as a table`} onClick={() => setAsTable(!asTable)}>
          {asTable ? "Chart" : "Table"}
        </button>
      </div>
      {asTable && <ChartTable {...props} show={show} days={days} />}
      {!asTable && times.length < 2 && kind !== "sticks" && <p class="nothing">The first figures come within seconds</p>}
      {!asTable && (times.length >= 2 || kind === "sticks") && most === 0 && <p class="nothing">{nothing}</p>}
      {!asTable && (times.length >= 2 || kind === "sticks") && most > 0 && (
        <svg
          class="plot"
          role="group"
          aria-labelledby={id}
          aria-describedby={`${id}-legend`}
          tabIndex={0}
          onPointerMove={(event) => nearest(event.clientX, event.currentTarget)}
          onPointerLeave={() => setChosen(undefined)}
          onKeyDown={onKey}
          onBlur={() => setChosen(undefined)}
        >
          {width > 0 && (
            <>
              {steps.map((step) => (
                <g key={step}>
                  <line class="grid" x1={kLeft} x2={width} y1={Math.round(y(step)) + 0.5} y2={Math.round(y(step)) + 0.5} />
                  <text x={kLeft - 8} y={y(step) + 4} text-anchor="end">
                    {show(step)}
                  </text>
                </g>
              ))}
              {Array.from({ length: ticks }, (_, tick) => {
                const index = Math.round((tick / Math.max(ticks - 1, 1)) * (times.length - 1));
                const end = width - 4;
                const isLast = tick === ticks - 1 && tick > 0;
                const place = !days ? kLeft + (tick / (ticks - 1)) * inner : isLast ? end : x(index);
                const time = days ? (times[index] ?? 0) : first + (tick / (ticks - 1)) * (last - first);
                const anchor = isLast ? "end" : tick === 0 && !days ? "start" : "middle";
                return (
                  <text key={tick} x={place} y={kHeight - 5} text-anchor={anchor}>
                    {days ? day(time) : last - first < 600_000 ? exactClock(time) : clock(time)}
                  </text>
                );
              })}
              {chosen !== undefined && <line class="cross" x1={x(at)} x2={x(at)} y1={kTop} y2={kHeight - kBottom} />}
              {lines
                .filter((line) => line.values.some(Boolean))
                .map((line) => {
                if (kind === "sticks") {
                  return (
                    <g key={line.name} class={`c${line.color}`}>
                      {times.map((time, index) => {
                        const value = line.values[index] ?? 0;
                        const from = below[index] ?? 0;
                        below[index] = from + value;
                        if (value === 0) return null;
                        const thick = Math.max(2, Math.min(28, stick * 0.7));
                        return <rect key={time} class="stick" x={x(index) - thick / 2} width={thick} y={y(from + value)} height={Math.max(1, y(from) - y(from + value))} rx={1.5} />;
                      })}
                    </g>
                  );
                }
                const bases = below.slice();
                const points = line.values.map((value, index): [number, number] | null => {
                  if (value === null) return null;
                  const from = kind === "area" ? (below[index] ?? 0) : 0;
                  if (kind === "area") below[index] = from + value;
                  return [x(index), y(from + value)];
                });
                return (
                  <g key={line.name} class={`c${line.color}`}>
                    {kind === "area" && points.every((point) => point !== null) && (
                      <path class="area" d={`${path(points as [number, number][])}${bases.map((base, index) => `L${x(index).toFixed(1)} ${y(base).toFixed(1)}`).reverse().join("")}Z`} />
                    )}
                    {pieces(points).map((piece, index) => (
                      <path key={index} class="curve" d={path(piece.length === 1 ? [...piece, ...piece] : piece)} />
                    ))}
                    {chosen !== undefined && points[at] != null && <circle cx={points[at]?.[0]} cy={points[at]?.[1]} r={4} />}
                  </g>
                );
              })
                .reverse()}
            </>
          )}
        </svg>
      )}
      <ul class="legend" id={`${id}-legend`} aria-live={chosen === undefined ? "off" : "polite"}>
        {lines.map((line) => {
          // Until a moment is chosen, the last value that there is.
          const value = chosen === undefined ? line.values.findLast((one) => one !== null) : line.values[at];
          return (
            <li key={line.name} class={`c${line.color}`}>
              <span class="dot" />
              {line.name}
              <span class="value">{value == null ? "–" : show(value)}</span>
            </li>
          );
        })}
        {chosen !== undefined && <li class="num quiet">{label(at)}</li>}
      </ul>
    </div>
  );
}

function ChartTable({ title, times, lines, show = number, days }: ChartProps) {
  const rows = times.map((time, index) => ({ time, index })).reverse();
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={`${title}, table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{days ? "Day" : "Time"}</th>
            {lines.map((line) => (
              <th key={line.name} scope="col" class="right">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, index }) => (
            <tr key={time}>
              <td>{days ? day(time) : exactClock(time)}</td>
              {lines.map((line) => (
                <td key={line.name} class="right">
                  {line.values[index] == null ? "–" : show(line.values[index] as number)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A chart in a card of its own, and what there is to say of it. */
export function ChartCard({ children, ...chart }: ChartProps & { children?: ComponentChildren }) {
  return (
    <Card>
      <Chart {...chart} />
      {children}
    </Card>
  );
}
