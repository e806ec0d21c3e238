// One user: what there is to know, and what an administrator may change.
import { useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { count, date, plural, words } from "../format";
import { useAction, useAsked, useSendOnce } from "../hooks";
import { link } from "../router";
import { session } from "../session";
import * as icons from "../ui/icons";
import { Button, Bones, Card, Dialog, Empty, Field, Figure, Head, ProblemNote, Select, Shown } from "../ui/parts";
import { say } from "../ui/toasts";
import { Form } from "../views/door";
import { Tile } from "../views/studio";
import { UserState } from "./users";

type User = Schemas["User"];

const tiers = [
  ["free", "Free"],
  ["basic", "Basic"],
  ["pro", "Pro"],
  ["enterprise", "Enterprise"],
] as const;

export function OneUser({ id }: { id: string }) {
  const asked = useAsked(() => told(api.GET("/api/v1/admin/users/{id}", { params: { path: { id } } })), [id]);
  return (
    <>
      <Head title={asked.data?.email ?? "User"} about={
          <span class="row tight">
            {asked.data !== undefined && <UserState user={asked.data} />} <code class="quiet small">{id}</code>
          </span>
        }>
        <a class="button plain" href={link("operate", "users")}>
          <icons.Back />
          All users
        </a>
      </Head>
      <Shown asked={asked} bones={<Bones count={3} kind="block" />}>
        {(user) => <Body user={user} change={(now) => asked.change(() => now)} again={asked.again} />}
      </Shown>
    </>
  );
}

function Body({ user, change, again }: { user: User; change: (now: User) => void; again: () => void }) {
  return (
    <div class="stack wide">
      <dl class="tiles">
        <Figure name="Credits">{count(user.credits_remaining)}</Figure>
        <Figure name="Pictures">{count(user.total_generations)}</Figure>
        <Figure name="Tier">{words(user.subscription_tier)}</Figure>
        <Figure name="Since">{date(user.created_at)}</Figure>
      </dl>
      <div class="grid-2">
        <Grant user={user} again={again} />
        <Standing user={user} change={change} />
      </div>
      <Pictures user={user} />
    </div>
  );
}

function Grant({ user, again }: { user: User; again: () => void }) {
  const action = useAction();
  const [amount, setAmount] = useState("10");
  const [reason, setReason] = useState("");
  const sendOnce = useSendOnce();
  const submit = async () => {
    const receipt = await sendOnce({ amount: Number(amount), reason: reason.trim() }, (body, key) =>
      told(api.POST("/api/v1/admin/users/{id}/credits", { params: { path: { id: user.id }, header: { "Idempotency-Key": key } }, body })),
    );
    say(`${plural(receipt.amount, "credit")} granted.`);
    setReason("");
    again();
  };
  const fields = action.problem?.fields ?? {};
  return (
    <Card title="Grant credits">
      <Form action={action} submit={submit} label="Grant them" fields={["amount", "reason"]}>
        <Field label="How many" type="number" min={1} value={amount} fault={fields.amount} onInput={(event) => setAmount(event.currentTarget.value)} />
        <Field label="Why" hint="The user sees it in the usage log." value={reason} fault={fields.reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </Form>
    </Card>
  );
}

function Standing({ user, change }: { user: User; change: (now: User) => void }) {
  const action = useAction();
  const [asking, setAsking] = useState<"lock" | "role">();
  const path = { path: { id: user.id } };
  const myself = session.value.kind === "in" && session.value.user.id === user.id;
  const act = (body: () => Promise<User>, words: string) =>
    action.run(async () => {
      change(await body());
      setAsking(undefined);
      say(words);
    });
  const setTier = (tier: User["subscription_tier"]) => act(() => told(api.PUT("/api/v1/admin/users/{id}/tier", { params: path, body: { tier } })), "The tier is set.");
  const lock = () =>
    user.is_active
      ? act(() => told(api.POST("/api/v1/admin/users/{id}/deactivate", { params: path })), "The user is locked out everywhere.")
      : act(() => told(api.POST("/api/v1/admin/users/{id}/reactivate", { params: path })), "The user may log in again.");
  const setRole = () => {
    const role = user.role === "admin" ? "user" : "admin";
    return act(() => told(api.PUT("/api/v1/admin/users/{id}/role", { params: path, body: { role } })), role === "admin" ? "The user is an administrator." : "The user is no administrator any more.");
  };
  return (
    <Card title="Standing">
      <div class="stack">
        <ProblemNote problem={action.problem} />
        <Select label="Tier" value={user.subscription_tier} options={tiers} onPick={setTier} hint="Limits follow it. A plan of Stripe's sets it again." />
        <div class="row">
          <Button disabled={myself} onClick={() => setAsking("role")}>
            {user.role === "admin" ? "Make an ordinary user" : "Make an administrator"}
          </Button>
          <Button look={user.is_active ? "danger" : ""} disabled={myself} onClick={() => setAsking("lock")}>
            {user.is_active ? "Lock out" : "Let in again"}
          </Button>
        </div>
        {myself && <p class="hint">Another administrator changes your own standing.</p>}
      </div>
      <Dialog title={asking === "lock" ? (user.is_active ? "Lock this user out?" : "Let this user in again?") : "Change the role?"} open={asking !== undefined} onClose={() => setAsking(undefined)}>
        <div class="stack wide">
          <p>
            {asking === "role" && (user.role === "admin" ? `${user.email} sees and changes other users no more.` : `${user.email} will see and change all users.`)}
            {asking === "lock" && (user.is_active ? `${user.email} is signed out everywhere at once, and keys are refused.` : `${user.email} may sign in again.`)}
          </p>
          <div class="row">
            <Button look={user.is_active && asking === "lock" ? "danger" : "primary"} busy={action.busy} onClick={asking === "lock" ? lock : setRole}>
              Do it
            </Button>
            <Button onClick={() => setAsking(undefined)}>Leave it</Button>
          </div>
        </div>
      </Dialog>
    </Card>
  );
}

function Pictures({ user }: { user: User }) {
  const asked = useAsked(() => told(api.GET("/api/v1/admin/generations", { params: { query: { user_id: user.id, limit: 12 } } })), [user.id]);
  return (
    <Card title="Latest pictures" aside={<a href={`${link("operate", "pictures")}?user=${encodeURIComponent(user.id)}`}>All of them</a>}>
      <Shown asked={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="None yet" />
          ) : (
            <ul class="gallery">
              {items.map((one) => (
                <li key={one.id}>
                  <Tile generation={one} href={`${link("operate", "pictures")}?user=${encodeURIComponent(user.id)}`} />
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Card>
  );
}
