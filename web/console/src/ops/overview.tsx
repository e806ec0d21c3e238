// How the service fares: requests, the queue, the database, over the last hour at most.
import { useState } from "preact/hooks";
import { api, told } from "../client";
import { count, duration, number, percent, words } from "../format";
import { useAsked } from "../hooks";
import { Badge, Card, ChartBones, Choice, Figure, Head, ProblemNote, Shown, Table, TileBones } from "../ui/parts";
import { ChartCard, type Line } from "../ui/chart";
import { modelName, providerText } from "../pictures";
import { useHistory, type History } from "./history";

const kMinute = 60_000;
const spans = [
  ["5", "5 min"],
  ["15", "15 min"],
  ["60", "1 hour"],
] as const;

const kRequests = "gesso_request_duration_seconds";
const kCommands = "gesso_database_command_duration_seconds";

export function Overview() {
  const { history, problem, again } = useHistory();
  const [span, setSpan] = useState<(typeof spans)[number][0]>("15");
  const shown = history?.last(Number(span) * kMinute);
  return (
    <>
      <Head title="Overview" about={<State />}>
        <Choice label="How far back" unseen value={span} options={spans} onPick={setSpan} />
      </Head>
      <div class="stack wide">
        <ProblemNote problem={problem} again={again} />
        {history === undefined && problem === undefined && (
          <>
            <p class="unseen" role="status">
              Loading
            </p>
            <TileBones count={6} />
            <div class="grid-2">
              <ChartBones count={6} />
            </div>
          </>
        )}
        {history !== undefined && shown !== undefined && (
          <>
            <Now history={history} />
            <Charts history={shown} />
            <RequestUnits history={shown} />
            <div class="grid-2">
              <Queues history={history} />
              <Providers />
            </div>
            <Problems history={shown} />
            <ByOperation history={shown} />
          </>
        )}
      </div>
    </>
  );
}

function State() {
  const ready = useAsked(() => api.GET("/readyz"), [], 10_000);
  const about = useAsked(() => told(api.GET("/")), []);
  const good = ready.data?.response.ok ?? false;
  const detail = (ready.data?.error as { detail?: string } | undefined)?.detail;
  return (
    <span class="row tight">
      {ready.data !== undefined && <Badge tone={good ? "good" : "bad"}>{good ? "Ready" : "Not ready"}</Badge>}
      {ready.problem !== undefined && <Badge tone="bad">No answer</Badge>}
      {!good && detail !== undefined && <span>{detail}.</span>}
      {about.data !== undefined && <span class="small">Gesso {about.data.version}, this instance</span>}
      {about.data === undefined && <span class="small">This instance</span>}
    </span>
  );
}

const latest = (values: (number | null)[]) => values[values.length - 1] ?? 0;

function Now({ history }: { history: History }) {
  const minute = history.last(kMinute);
  const seconds = Math.max(1, ((minute.times[minute.times.length - 1] ?? 0) - (minute.times[0] ?? 0)) / 1000);
  const requests = minute.growth(minute.sum(`${kRequests}_count`));
  const failed = minute.growth(minute.sum(`${kRequests}_count`, { status: "5xx" }));
  const p95 = minute.quantileOfAll(kRequests, 0.95);
  const pending = latest(history.sum("gesso_generations_waiting", { status: "pending" }));
  const processing = latest(history.sum("gesso_generations_waiting", { status: "processing" }));
  const age = latest(history.sum("gesso_generation_queue_age_seconds"));
  const busy = latest(history.sum("gesso_database_busy"));
  const workers = latest(history.sum("gesso_database_workers"));
  const queued = latest(history.sum("gesso_database_queued"));
  return (
    <dl class="tiles six" aria-label="The last minute">
      <Figure name="Requests a second" aside="over the last minute">
        {number(requests / seconds)}
      </Figure>
      <Figure name="Latency" aside="95th percentile">
        {p95 === null ? "–" : duration(p95)}
      </Figure>
      <Figure name="Errors of ours" aside={`${count(failed)} in the last minute`} tone={failed > 0 ? "bad" : ""}>
        {requests === 0 ? "–" : percent(failed / requests)}
      </Figure>
      <Figure name="Pictures waiting" aside={pending > 0 ? `the oldest for ${duration(age)}` : `${count(processing)} being painted`} tone={age > 60 ? "warn" : ""}>
        {count(pending)}
      </Figure>
      <Figure name="Database pool" aside={`${count(queued)} wait for a turn`} tone={queued > 0 ? "warn" : ""}>
        {count(busy)}
        <small> of {count(workers)} busy</small>
      </Figure>
      <Figure name="Connections" aside="of clients, open now">
        {count(latest(history.sum("gesso_http_connections")))}
      </Figure>
    </dl>
  );
}

function quantiles(history: History, name: string): Line[] {
  return [
    { name: "Half", color: "1", values: history.quantile(name, 0.5).slice(1) },
    { name: "95 %", color: "2", values: history.quantile(name, 0.95).slice(1) },
    { name: "99 %", color: "4", values: history.quantile(name, 0.99).slice(1) },
  ];
}

function Charts({ history }: { history: History }) {
  const rate = (name: string, labels?: Record<string, string>) => history.rate(history.sum(name, labels)).slice(1);
  const times = history.times.slice(1);
  const gauge = (name: string, labels?: Record<string, string>) => history.sum(name, labels).slice(1);
  return (
    <div class="grid-2">
      <ChartCard
        title="Requests a second"
        kind="area"
        times={times}
        lines={[
          { name: "Good", color: "1", values: rate(`${kRequests}_count`, { status: "2xx" }) },
          { name: "Refused", color: "2", values: rate(`${kRequests}_count`, { status: "4xx" }) },
          { name: "Failed", color: "bad", values: rate(`${kRequests}_count`, { status: "5xx" }) },
        ]}
        nothing="Nobody asked"
      />
      <ChartCard title="Latency of requests" times={times} lines={quantiles(history, kRequests)} show={duration} nothing="Nobody asked" />
      <ChartCard
        title="Pictures on their way"
        kind="area"
        times={times}
        lines={[
          { name: "Painting", color: "3", values: gauge("gesso_generations_waiting", { status: "processing" }) },
          { name: "Waiting", color: "1", values: gauge("gesso_generations_waiting", { status: "pending" }) },
        ]}
        atLeast={4}
        nothing="None waited, and none was being painted"
      />
      <ChartCard title="How long the oldest has waited" times={times} lines={[{ name: "Oldest", color: "2", values: gauge("gesso_generation_queue_age_seconds") }]} show={duration} nothing="None waited" />
      <ChartCard
        title="Commands of the database a second"
        kind="area"
        times={times}
        lines={[
          { name: "Good", color: "3", values: rate(`${kCommands}_count`, { outcome: "ok" }) },
          { name: "Failed", color: "bad", values: rate(`${kCommands}_count`, { outcome: "failed" }) },
        ]}
        nothing="None was sent"
      />
      <ChartCard title="Latency of the database" times={times} lines={quantiles(history, kCommands)} show={duration} nothing="None was sent" />
    </div>
  );
}

/** What an Azure Cosmos DB (RU) bills, where the database is one. */
function RequestUnits({ history }: { history: History }) {
  const times = history.times.slice(1);
  const series = history.select("gesso_database_request_units_total");
  if (series.length === 0) return null;
  const collections = [...new Set(series.map(({ labels }) => labels.collection ?? ""))];
  const lines = collections
    .map((collection) => ({ collection, values: history.sum("gesso_database_request_units_total", { collection }) }))
    .sort((a, b) => history.growth(b.values) - history.growth(a.values))
    .slice(0, 5)
    .map(({ collection, values }, index): Line => ({ name: collection || "Others", color: String(index + 1), values: history.rate(values).slice(1) }));
  const delay = history.rate(history.sum("gesso_database_rate_limiting_delay_seconds_total")).slice(1);
  const limit = latest(history.sum("gesso_database_throughput_limit"));
  return (
    <div class="grid-2">
      <ChartCard title="Request units a second, by collection" kind="area" times={times} lines={lines} nothing="None was charged" />
      <ChartCard title="Held back for want of request units" times={times} lines={[{ name: "Delay in a second", color: "bad", values: delay }]} show={duration} nothing="Nothing was held back">
        <p class="hint">{limit > 0 ? `Work is kept below ${number(limit)} units a second, since the server refused more.` : "The service does not hold work back."}</p>
      </ChartCard>
    </div>
  );
}

/** Who paints, and what an image costs. */
function Providers() {
  const models = useAsked(() => told(api.GET("/api/v1/models")), []);
  return (
    <Card title="Who paints">
      <Shown asked={models}>
        {({ items }) => (
          <Table columns={["Model", "Provider", { name: "Credits", right: true }]}>
            {items.map(({ model_type, provider, credits }) => (
              <tr key={model_type}>
                <td>{modelName(model_type)}</td>
                <td>{providerText[provider] ?? provider}</td>
                <td class="right">{count(credits)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </Card>
  );
}

const queues: readonly (readonly [string, string, Record<string, string>])[] = [
  ["Passwords to be hashed", "gesso_pool_queued", { pool: "hashing" }],
  ["Calls of other services", "gesso_pool_queued", { pool: "outgoing" }],
  ["Units of work of the database", "gesso_database_queued", {}],
  ["Entries of the usage log", "gesso_usage_queued", {}],
  ["Mails", "gesso_mail_queued", {}],
  ["Holds of charges", "gesso_holds_open", {}],
];

function Queues({ history }: { history: History }) {
  return (
    <Card title="What waits">
      <Table columns={["Queue", { name: "Now", right: true }, { name: "Most in an hour", right: true }]}>
        {queues.map(([name, metric, labels]) => {
          const values = history.sum(metric, labels);
          return (
            <tr key={name}>
              <td>{name}</td>
              <td class="right">{count(latest(values))}</td>
              <td class="right">{count(Math.max(0, ...values))}</td>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
}

function Problems({ history }: { history: History }) {
  const rows = history
    .select("gesso_problems_total")
    .map(({ labels, values }) => ({ operation: labels.operation ?? "", code: labels.code ?? "", times: history.growth(values) }))
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times)
    .slice(0, 8);
  return (
    <Card title="Problems that were answered">
      {rows.length === 0 ? (
        <p class="quiet">None in this time.</p>
      ) : (
        <Table columns={["Problem", "Operation", { name: "Times", right: true }]}>
          {rows.map(({ operation, code, times }) => (
            <tr key={`${operation} ${code}`}>
              <td>{words(code)}</td>
              <td class="mono">{operation}</td>
              <td class="right">{count(times)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function ByOperation({ history }: { history: History }) {
  const counts = history.select(`${kRequests}_count`);
  const names = [...new Set(counts.map(({ labels }) => labels.operation ?? ""))];
  const rows = names
    .map((operation) => {
      const all = history.growth(history.sum(`${kRequests}_count`, { operation }));
      const failed = history.growth(history.sum(`${kRequests}_count`, { operation, status: "5xx" }));
      const refused = history.growth(history.sum(`${kRequests}_count`, { operation, status: "4xx" }));
      const seconds = history.growth(history.sum(`${kRequests}_sum`, { operation }));
      return { operation, all, failed, refused, mean: all === 0 ? 0 : seconds / all };
    })
    .filter(({ all }) => all > 0)
    .sort((a, b) => b.all - a.all)
    .slice(0, 20);
  return (
    <Card title="By operation">
      {rows.length === 0 ? (
        <p class="quiet">Nobody asked in this time.</p>
      ) : (
        <Table name="By operation" columns={["Operation", { name: "Requests", right: true }, { name: "Refused", right: true }, { name: "Failed", right: true }, { name: "Mean", right: true }]}>
          {rows.map(({ operation, all, refused, failed, mean }) => (
            <tr key={operation}>
              <td class="mono">{operation}</td>
              <td class="right">{count(all)}</td>
              <td class="right">{count(refused)}</td>
              <td class="right">{failed > 0 ? <Badge tone="bad">{count(failed)}</Badge> : "0"}</td>
              <td class="right">{duration(mean)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
