// The account: who one is, how one signs in and where one is signed in, and leaving.
import { useState } from "preact/hooks";
import { api, askRaw, told, type Schemas } from "../client";
import { ago, date, words } from "../format";
import { useAction, useAsked } from "../hooks";
import { problemOf } from "../problem";
import { link } from "../router";
import { forget, reloadUser, type User } from "../session";
import { Badge, Bones, Button, Card, Dialog, Field, Head, ProblemNote, Shown, Table } from "../ui/parts";
import { say } from "../ui/toasts";
import { Form } from "./door";
import { SecondFactor } from "./second_factor";

export function Account({ user }: { user: User }) {
  return (
    <>
      <Head title="Account" about={`You are ${user.email}, since ${date(user.created_at)}.`} />
      <div class="stack wide">
        {!user.is_verified && <Unverified user={user} />}
        <div class="grid-2">
          <Profile user={user} />
          <Password />
        </div>
        <Sessions />
        <div class="grid-2">
          <SecondFactor />
          <Leaving />
        </div>
      </div>
    </>
  );
}

function Unverified({ user }: { user: User }) {
  const action = useAction();
  const send = () =>
    action.run(async () => {
      await told(api.POST("/api/v1/auth/resend-verification", { body: { email: user.email } }));
      say("A mail is on its way.");
    });
  return (
    <>
      <div class="notice warn">
        <p>
          <strong>Your address is not confirmed.</strong> <a href={link("verify")}>Enter what was mailed</a>, or have it sent again.
        </p>
        <Button look="slim" busy={action.busy} onClick={send}>
          Send it again
        </Button>
      </div>
      <ProblemNote problem={action.problem} />
    </>
  );
}

function Profile({ user }: { user: User }) {
  const action = useAction();
  const [name, setName] = useState(user.full_name ?? "");
  const submit = async () => {
    await told(api.PATCH("/api/v1/users/me", { body: { full_name: name.trim() === "" ? null : name.trim() } }));
    await reloadUser();
    say("The name is changed.");
  };
  return (
    <Card title="Profile">
      <Form action={action} submit={submit} label="Change the name" fields={["full_name"]}>
        <Field label="Name" autocomplete="name" value={name} fault={action.problem?.fields.full_name} onInput={(event) => setName(event.currentTarget.value)} />
        <dl class="facts small">
          <dt>Email</dt>
          <dd>
            {user.email} {user.is_verified && <Badge tone="good">Confirmed</Badge>}
          </dd>
          <dt>Tier</dt>
          <dd>{words(user.subscription_tier)}</dd>
          <dt>Id</dt>
          <dd class="mono">{user.id}</dd>
        </dl>
      </Form>
    </Card>
  );
}

function Password() {
  const action = useAction();
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const submit = async () => {
    await told(api.POST("/api/v1/users/me/password", { body: { password: old, new_password: next } }));
    setOld("");
    setNext("");
    say("The password is changed, and other sessions are ended.");
  };
  const fields = action.problem?.fields ?? {};
  return (
    <Card title="Password">
      <Form action={action} submit={submit} label="Change the password" fields={["new_password", "password"]}>
        <Field label="Current password" type="password" autocomplete="current-password" value={old} fault={fields.password} onInput={(event) => setOld(event.currentTarget.value)} />
        <Field label="New password" type="password" autocomplete="new-password" hint="At least 8 characters. Other sessions end." value={next} fault={fields.new_password} onInput={(event) => setNext(event.currentTarget.value)} />
      </Form>
    </Card>
  );
}

/** "Firefox on Linux" of what a browser says of itself; else that. */
function deviceOf(agent: string | null | undefined): string {
  if (agent == null || agent === "") return "Unknown program";
  const browser = /(Edg|Firefox|HeadlessChrome|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(agent)?.[1];
  if (browser === undefined) return agent.slice(0, 60);
  const names: Record<string, string> = { Edg: "Edge", HeadlessChrome: "Chrome" };
  return `${names[browser] ?? browser}${system === undefined ? "" : ` on ${system.replace("Mac OS X", "macOS")}`}`;
}

function Sessions() {
  const asked = useAsked(() => told(api.GET("/api/v1/users/me/sessions")), []);
  const action = useAction();
  const end = (one: Schemas["Session"]) =>
    action.run(async () => {
      await told(api.DELETE("/api/v1/users/me/sessions/{id}", { params: { path: { id: one.id } } }));
      if (one.is_current) {
        forget("You ended this session.");
        return;
      }
      say("That session is ended.");
      asked.again();
    });
  const endOthers = () =>
    action.run(async () => {
      const { ended } = await told(api.DELETE("/api/v1/users/me/sessions"));
      say(ended === 1 ? "One session is ended." : `${ended} sessions are ended.`);
      asked.again();
    });
  return (
    <Card
      title="Where you are signed in"
      aside={
        (asked.data?.items.length ?? 0) > 1 ? (
          <Button look="slim" busy={action.busy} onClick={endOthers}>
            End all others
          </Button>
        ) : undefined
      }
    >
      <ProblemNote problem={action.problem} />
      <Shown asked={asked} bones={<Bones count={3} />}>
        {({ items }) => (
          <Table stacks columns={["Device", "Address", "Last used", "Ends", { name: "Actions", unseen: true }]}>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  <span class="row tight">
                    {deviceOf(one.user_agent)} {one.is_current && <Badge tone="active">This one</Badge>}
                  </span>
                </td>
                <td class="mono" data-label="Address">{one.address ?? "–"}</td>
                <td class="nowrap" data-label="Last used">{ago(one.last_used_at)}</td>
                <td class="nowrap" data-label="Ends">{date(one.expires_at)}</td>
                <td class="right">
                  <Button look="slim" busy={action.busy} aria-label={`End the session of ${deviceOf(one.user_agent)}${one.is_current ? ", this one" : ""}, last used ${ago(one.last_used_at)}`} onClick={() => end(one)}>
                    End
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </Card>
  );
}

function Leaving() {
  const action = useAction();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const take = () =>
    action.run(async () => {
      const response = await askRaw("/api/v1/users/me/export");
      if (!response.ok) throw problemOf(response, await response.json());
      const address = URL.createObjectURL(await response.blob());
      const anchor = document.createElement("a");
      anchor.href = address;
      anchor.download = "gesso-export.json";
      anchor.click();
      URL.revokeObjectURL(address);
    });
  const remove = async () => {
    await told(api.POST("/api/v1/users/me/delete", { body: { password } }));
    forget("Your account is deleted.");
  };
  return (
    <Card title="Take everything, or leave">
      <div class="stack">
        <p class="quiet">All that is kept of you is one JSON document. A deleted account goes for good, with its pictures.</p>
        {!open && <ProblemNote problem={action.problem} />}
        <div class="row">
          <Button busy={action.busy} onClick={take}>
            Download everything
          </Button>
          <Button look="danger" onClick={() => setOpen(true)}>
            Delete the account
          </Button>
        </div>
      </div>
      <Dialog title="Delete the account?" open={open} onClose={() => setOpen(false)}>
        <div class="stack wide">
          <p>Pictures, keys, usage and credits go with it, and a plan is cancelled. It cannot be taken back.</p>
          <Form action={action} submit={remove} label="Delete it for good" fields={[]}>
            <Field label="Your password" type="password" autocomplete="current-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
          </Form>
          <Button onClick={() => setOpen(false)}>Stay</Button>
        </div>
      </Dialog>
    </Card>
  );
}
