// What all users did, over days, and who did the most.
import { useState } from "preact/hooks";
import { api, told } from "../client";
import { count } from "../format";
import { useAsked } from "../hooks";
import { link } from "../router";
import { Bones, Card, ChartBones, Choice, Empty, Head, Shown, Table } from "../ui/parts";
import { DayChart } from "../ui/day_chart";
import { daysOf } from "../usage";

type Order = "count" | "credits";
const figure = { count: "count", credits: "credits_used" } as const;

const spans = [
  ["7", "7 days"],
  ["14", "14 days"],
  ["30", "30 days"],
] as const;

export function AllUsage() {
  const [span, setSpan] = useState<(typeof spans)[number][0]>("14");
  const days = daysOf(Number(span));
  const from = new Date(days[0] ?? 0).toISOString();
  const asked = useAsked(() => told(api.GET("/api/v1/admin/usage/totals", { params: { query: { from } } })), [from]);
  return (
    <>
      <Head title="Usage" about="What all users did, by day (UTC).">
        <Choice label="How far back" unseen value={span} options={spans} onPick={setSpan} />
      </Head>
      <div class="stack wide">
        <Shown asked={asked} bones={<div class="grid-2"><ChartBones count={4} /></div>}>
          {({ items }) => (
            <div class="grid-2">
              <DayChart title="Pictures asked for" items={items} days={days} action="image_generation" of="count" color="1" />
              <DayChart title="Requests" items={items} days={days} action="api_request" of="count" color="3" />
              <DayChart title="Credits spent" items={items} days={days} action="image_generation" of="credits_used" color="4" />
              <DayChart title="Refunds" items={items} days={days} action="refund" of="count" color="2" />
            </div>
          )}
        </Shown>
        <TopUsers from={from} />
      </div>
    </>
  );
}

/** Those who did the most, by their address; one who is not there any more, by the id. */
async function loadTop(from: string, by: Order) {
  const { items } = await told(api.GET("/api/v1/admin/usage/top-users", { params: { query: { from, by, limit: 10 } } }));
  const nameOf = async (id: string) => {
    const { data } = await api.GET("/api/v1/admin/users/{id}", { params: { path: { id } } });
    return data?.email ?? id;
  };
  const names = await Promise.all(items.map(({ user_id }) => nameOf(user_id)));
  return { items: items.map((one, index) => ({ ...one, name: names[index] ?? one.user_id })) };
}

function TopUsers({ from }: { from: string }) {
  const [by, setBy] = useState<Order>("credits");
  const asked = useAsked(() => loadTop(from, by), [from, by]);
  const most = Math.max(1, ...(asked.data?.items ?? []).map((one) => one[figure[by]]));
  return (
    <Card title="Who did the most" aside={<Choice label="By" unseen value={by} options={[["credits", "Credits"], ["count", "Actions"]]} onPick={setBy} />}>
      <Shown asked={asked} bones={<Bones count={4} />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody did anything" />
          ) : (
            <Table name="Who did the most" columns={["User", { name: "Share", unseen: true }, { name: "Actions", right: true }, { name: "Credits", right: true }]}>
              {items.map((one) => (
                <tr key={one.user_id}>
                  <td>
                    <a class="cut" href={link("operate", "users", one.user_id)}>
                      {one.name}
                    </a>
                  </td>
                  <td class="share">
                    <span class="meter">
                      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                        <rect width={(one[figure[by]] / most) * 100} height="8" />
                      </svg>
                    </span>
                  </td>
                  <td class="right">{count(one.count)}</td>
                  <td class="right">{count(one.credits_used)}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Shown>
    </Card>
  );
}
