// Keys for programs: made, shown once, ended.
import { useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { ago, date } from "../format";
import { useAction, useAsked } from "../hooks";
import type { User } from "../session";
import { Badge, Bones, Button, Card, Dialog, Empty, Field, Head, ProblemNote, Select, Shown, Table } from "../ui/parts";
import { say } from "../ui/toasts";
import { Form } from "./door";

type Scope = Schemas["ApiKey"]["scopes"][number];
type Key = Schemas["ApiKey"];

const scopes: readonly (readonly [Scope, string, boolean])[] = [
  ["generations:read", "See pictures", true],
  ["generations:write", "Ask for pictures, cancel and delete them", true],
  ["usage:read", "See usage", false],
  ["account:read", "See the account", false],
  ["account:write", "Change the account", false],
  ["billing:read", "See the plan", false],
  ["billing:write", "Change the plan", false],
];
const ofOperators: readonly (readonly [Scope, string, boolean])[] = [
  ["worker", "Paint pictures, as a worker", false],
  ["admin", "Everything that an administrator may", false],
];

const lifetimes = [
  ["0", "Never"],
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
] as const;

export function Keys({ user }: { user: User }) {
  const asked = useAsked(() => told(api.GET("/api/v1/users/me/api-keys")), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Schemas["CreatedApiKey"]>();
  const [ending, setEnding] = useState<Key>();
  return (
    <>
      <Head title="API keys" about="A program shows a key in place of your password. It can do what you allow it, and nothing else.">
        <Button look="primary" onClick={() => setMaking(true)}>
          Make a key
        </Button>
      </Head>
      <Shown asked={asked} bones={<Bones count={2} kind="block" />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No keys yet">
              <p>Make one for a script or a service that asks for pictures on your behalf.</p>
            </Empty>
          ) : (
            <Card>
              <Table stacks columns={["Name", "Begins with", "Good for", "Last used", "Ends", { name: "Actions", unseen: true }]}>
                {items.map((key) => (
                  <tr key={key.id}>
                    <td>
                      <strong class="cut">{key.name}</strong>
                    </td>
                    <td class="mono nowrap" data-label="Begins with">
                      {key.prefix}…
                    </td>
                    <td data-label="Good for">
                      <span class="row tight">
                        {key.scopes.map((scope) => (
                          <Badge key={scope}>{scope}</Badge>
                        ))}
                      </span>
                    </td>
                    <td class="nowrap" data-label="Last used">{key.last_used_at == null ? "Not yet" : ago(key.last_used_at)}</td>
                    <td class="nowrap" data-label="Ends">{key.expires_at == null ? "Never" : date(key.expires_at)}</td>
                    <td class="right">
                      <Button look="danger slim" aria-label={`End the key ${key.name}`} onClick={() => setEnding(key)}>
                        End
                      </Button>
                    </td>
                  </tr>
                ))}
              </Table>
            </Card>
          )
        }
      </Shown>
      <Dialog title="Make a key" open={making} onClose={() => setMaking(false)}>
        <Making
          user={user}
          done={(key) => {
            setMaking(false);
            setMade(key);
            asked.again();
          }}
        />
      </Dialog>
      <Dialog title="Here is the key" open={made !== undefined} onClose={() => setMade(undefined)}>
        {made !== undefined && <Made made={made} close={() => setMade(undefined)} />}
      </Dialog>
      <Dialog title="End this key?" open={ending !== undefined} onClose={() => setEnding(undefined)}>
        {ending !== undefined && (
          <Ending
            one={ending}
            done={() => {
              setEnding(undefined);
              asked.again();
            }}
            close={() => setEnding(undefined)}
          />
        )}
      </Dialog>
    </>
  );
}

function Making({ user, done }: { user: User; done: (key: Schemas["CreatedApiKey"]) => void }) {
  const action = useAction();
  const offered = user.role === "admin" ? [...scopes, ...ofOperators] : scopes;
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Scope[]>(offered.filter(([, , first]) => first).map(([scope]) => scope));
  const [days, setDays] = useState<(typeof lifetimes)[number][0]>("0");
  const submit = async () => {
    const ends = Number(days);
    done(
      await told(
        api.POST("/api/v1/users/me/api-keys", {
          body: { name: name.trim(), scopes: chosen, ...(ends === 0 ? {} : { expires_at: new Date(Date.now() + ends * 86_400_000).toISOString() }) },
        }),
      ),
    );
  };
  return (
    <Form action={action} submit={submit} label="Make it" fields={["name", "scopes"]}>
      <Field label="Name" maxLength={80} placeholder="My script" value={name} fault={action.problem?.fields.name} onInput={(event) => setName(event.currentTarget.value)} />
      <div class="field" role="group" aria-labelledby="good-for">
        <span class="label" id="good-for">
          What it is good for
        </span>
        {offered.map(([scope, text]) => (
          <label class="check" key={scope}>
            <input
              type="checkbox"
              checked={chosen.includes(scope)}
              onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))}
            />
            <span>
              {text} <code class="quiet">{scope}</code>
            </span>
          </label>
        ))}
        {action.problem?.fields.scopes !== undefined && <p class="fault">{action.problem.fields.scopes}</p>}
      </div>
      <Select label="It ends" value={days} options={lifetimes} onPick={setDays} />
    </Form>
  );
}

function Made({ made, close }: { made: Schemas["CreatedApiKey"]; close: () => void }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.key);
      say("The key is copied.");
    } catch {
      say("The browser did not let it be copied: select it and copy it yourself.");
    }
  };
  return (
    <div class="stack wide">
      <p>It is shown this once. Keep it where you keep passwords.</p>
      <code class="secret" data-testid="key">
        {made.key}
      </code>
      <div class="row">
        <Button look="primary" onClick={copy}>
          Copy it
        </Button>
        <Button onClick={close}>I have kept it</Button>
      </div>
    </div>
  );
}

function Ending({ one, done, close }: { one: Key; done: () => void; close: () => void }) {
  const action = useAction();
  const end = () =>
    action.run(async () => {
      await told(api.DELETE("/api/v1/users/me/api-keys/{id}", { params: { path: { id: one.id } } }));
      say(`The key ${one.name} is ended.`);
      done();
    });
  return (
    <div class="stack wide">
      <p>Programs that show “{one.name}” are refused from now on.</p>
      <ProblemNote problem={action.problem} />
      <div class="row">
        <Button look="danger" busy={action.busy} onClick={end}>
          End it
        </Button>
        <Button onClick={close}>Keep it</Button>
      </div>
    </div>
  );
}
