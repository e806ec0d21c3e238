// What the user has, what it is spent on, and what there is to buy.
import { useEffect, useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { count, date, moment, money, plural, words } from "../format";
import { useAction, useAsked } from "../hooks";
import { reloadUser, type User } from "../session";
import { Badge, Bones, Button, Card, ChartBones, Choice, Figure, Head, ProblemNote, Shown, Table, TileBones } from "../ui/parts";
import { DayChart } from "../ui/day_chart";
import { actionText, daysOf } from "../usage";

type Plan = Schemas["PlanOffer"];
type Mine = Schemas["MySubscription"];
type Interval = Mine["billing_interval"];

export function Credits({ user }: { user: User }) {
  const mine = useAsked(() => told(api.GET("/api/v1/subscriptions/me")), []);
  // Pictures may have ended while no view looked.
  useEffect(() => void reloadUser(), []);
  return (
    <>
      <Head title="Credits and usage" about="A picture costs a credit. Those of the plan go first, then your own." />
      <div class="stack wide">
        <Shown asked={mine} bones={<TileBones />}>
          {(plan) => <Balance user={user} mine={plan} />}
        </Shown>
        <Spending />
        <Plans mine={mine.data} changed={mine.again} />
        <Log />
      </div>
    </>
  );
}

function Balance({ user, mine }: { user: User; mine: Mine }) {
  const inForce = mine.plan !== "free" && mine.credits_per_month > 0;
  return (
    <dl class="tiles">
      <Figure name="You can spend" aside="credits in all">
        {count(user.credits_remaining + mine.credits_left)}
      </Figure>
      <Figure name="Your own" aside="they do not lapse">
        {count(user.credits_remaining)}
      </Figure>
      <Figure name="Of the plan" aside={mine.current_period_end != null && inForce ? `until ${date(mine.current_period_end)}` : "no plan grants any"}>
        {count(mine.credits_left)}
        {inForce && <small> of {count(mine.credits_per_month)}</small>}
      </Figure>
      <Figure
        name="Plan"
        aside={mine.cancel_at_period_end && mine.paid_until != null ? `ends ${date(mine.paid_until)}` : mine.status === "past_due" ? "a payment is due" : `${plural(user.total_generations, "picture")} asked for so far`}
      >
        {words(mine.plan)}
      </Figure>
    </dl>
  );
}

const kDays = 30;

function Spending() {
  const asked = useAsked(() => told(api.GET("/api/v1/usage/summary")), []);
  const days = daysOf(kDays);
  return (
    <Shown asked={asked} bones={<ChartBones />}>
      {({ items }) => (
        <div class="grid-2">
          <DayChart title="Credits spent, by day" items={items} days={days} action="image_generation" of="credits_used" color="1" />
          <DayChart title="Requests, by day" items={items} days={days} action="api_request" of="count" color="3" />
        </div>
      )}
    </Shown>
  );
}

function Plans({ mine, changed }: { mine: Mine | undefined; changed: () => void }) {
  const asked = useAsked(() => told(api.GET("/api/v1/plans")), []);
  const [interval, setInterval] = useState<Interval>("monthly");
  const action = useAction();
  const visit = (body: () => Promise<{ url: string }>) =>
    action.run(async () => {
      const { url } = await body();
      window.location.assign(url);
    });
  const buy = (plan: Plan["plan"]) => visit(() => told(api.POST("/api/v1/subscriptions/checkout", { body: { plan, billing_interval: interval } })));
  const change = (plan: Plan["plan"]) =>
    action.run(async () => {
      await told(api.POST("/api/v1/subscriptions/change", { body: { plan, billing_interval: interval } }));
      changed();
    });
  const paying = mine !== undefined && mine.renewed_by === "stripe" && (mine.status === "active" || mine.status === "past_due");
  return (
    <Card
      title="Plans"
      aside={
        paying ? (
          <Button look="slim" busy={action.busy} onClick={() => visit(() => told(api.POST("/api/v1/subscriptions/portal", { body: { flow: "overview" } })))}>
            Cards, bills and the plan
          </Button>
        ) : undefined
      }
    >
      <div class="stack">
        <ProblemNote problem={action.problem} />
        <Shown asked={asked} bones={<Bones count={2} kind="block" />}>
          {({ items }) => {
            const sold = items.filter((plan) => plan.sold_monthly || plan.sold_yearly);
            if (sold.length === 0) return <p class="quiet">No plans are sold here.</p>;
            return (
              <>
                {sold.some((plan) => plan.sold_yearly) && (
                  <div class="row">
                    <Choice label="How often is paid" unseen value={interval} options={[["monthly", "Monthly"], ["yearly", "Yearly"]]} onPick={setInterval} />
                  </div>
                )}
                <ul class="plans">
                  {sold.map((plan) => (
                    <PlanItem key={plan.plan} plan={plan} interval={interval} mine={mine} busy={action.busy} pick={paying ? change : buy} />
                  ))}
                </ul>
              </>
            );
          }}
        </Shown>
      </div>
    </Card>
  );
}

function PlanItem({ plan, interval, mine, busy, pick }: { plan: Plan; interval: Interval; mine: Mine | undefined; busy: boolean; pick: (plan: Plan["plan"]) => void }) {
  const current = mine?.plan === plan.plan && mine.status !== "expired";
  const sold = interval === "monthly" ? plan.sold_monthly : plan.sold_yearly;
  return (
    <li class="plan">
      <div class="row spread">
        <h3>{words(plan.plan)}</h3>
        {current && <Badge tone="active">Yours</Badge>}
      </div>
      <p class="price">
        {money(interval === "monthly" ? plan.monthly_cents : plan.yearly_cents, plan.currency)}
        <span class="small quiet"> a {interval === "monthly" ? "month" : "year"}</span>
      </p>
      <p class="small quiet">{plural(plan.credits_per_month, "credit")} a month</p>
      {!current && (
        <Button disabled={!sold} busy={busy} onClick={() => pick(plan.plan)}>
          {sold ? `Choose ${words(plan.plan)}` : "Not sold like this"}
        </Button>
      )}
    </li>
  );
}

/** Each request is an entry, too: those are counted above. */
async function loadLog() {
  const { items } = await told(api.GET("/api/v1/usage", { params: { query: { limit: 100 } } }));
  return items.filter(({ action_type }) => action_type !== "api_request").slice(0, 20);
}

function Log() {
  const asked = useAsked(loadLog, []);
  return (
    <Card title="Latest">
      <Shown asked={asked} bones={<Bones count={4} />}>
        {(items) =>
          items.length === 0 ? (
            <p class="quiet">Pictures, refunds and grants are listed here when they are among the last hundred things that you did.</p>
          ) : (
            <Table columns={["When", "What", { name: "Credits", right: true }]}>
              {items.map((entry) => (
                <tr key={entry.id}>
                  <td class="nowrap">{moment(entry.created_at)}</td>
                  <td>
                    {actionText[entry.action_type]}
                    {entry.grant != null && <span class="quiet">: {entry.grant.reason}</span>}
                  </td>
                  <td class="right">{entry.grant == null ? count(0 - entry.credits_used) : `+${count(entry.grant.credits)}`}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Shown>
    </Card>
  );
}
