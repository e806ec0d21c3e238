// Users, by what the API can look for: an address, a tier, whether they may log in.
import { useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { count, date, words } from "../format";
import { useSettled } from "../hooks";
import { usePages, type Page } from "../pages";
import { link } from "../router";
import { Badge, Bones, Card, Choice, Empty, Field, Head, More, Select, Shown, Table } from "../ui/parts";

type User = Schemas["User"];
type Tier = User["subscription_tier"] | "any";
type Active = "yes" | "no";

const tiers = [
  ["any", "Any tier"],
  ["free", "Free"],
  ["basic", "Basic"],
  ["pro", "Pro"],
  ["enterprise", "Enterprise"],
] as const;

async function load(email: string, tier: Tier, active: Active, cursor?: string): Promise<Page<User>> {
  const query = {
    limit: 30,
    ...(tier === "any" ? {} : { tier }),
    // An address is looked for among all.
    ...(email === "" ? { active: active === "yes" } : { email }),
    ...(cursor === undefined ? {} : { cursor }),
  };
  const page = await told(api.GET("/api/v1/admin/users", { params: { query } }));
  return { items: page.items, next: page.next_cursor ?? null };
}

export function Users() {
  const [typed, setTyped] = useState("");
  const [tier, setTier] = useState<Tier>("any");
  const [active, setActive] = useState<Active>("yes");
  const text = useSettled(typed.trim());
  const email = /^\S+@\S+$/.test(text) ? text : "";
  const { asked, more } = usePages((cursor) => load(email, tier, active, cursor), [email, tier, active]);
  return (
    <>
      <Head title="Users" about="Newest first." />
      <div class="stack wide">
        <div class="filters" role="search">
          <Field label="Email" type="search" placeholder="ann@example.com" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} hint={text !== "" && email === "" ? "A whole address is looked for" : undefined} />
          <Select label="Tier" value={tier} options={tiers} onPick={setTier} />
          <Choice label="May log in" value={active} options={[["yes", "Yes"], ["no", "Locked out"]]} onPick={setActive} />
        </div>
        <Shown asked={asked} bones={<Bones count={5} kind="block" />}>
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="No such users" />
            ) : (
              <Card>
                <Table name="Users" stacks columns={["Email", "State", "Tier", { name: "Credits", right: true }, { name: "Pictures", right: true }, { name: "Since", right: true }]}>
                  {page.items.map((user) => (
                    <tr key={user.id}>
                      <td>
                        <a class="cut" href={link("operate", "users", user.id)}>
                          {user.email}
                        </a>
                        {user.full_name != null && <span class="cut quiet">{user.full_name}</span>}
                      </td>
                      <td data-label="State">
                        <UserState user={user} />
                      </td>
                      <td data-label="Tier">{words(user.subscription_tier)}</td>
                      <td class="right" data-label="Credits">{count(user.credits_remaining)}</td>
                      <td class="right" data-label="Pictures">{count(user.total_generations)}</td>
                      <td class="right nowrap" data-label="Since">{date(user.created_at)}</td>
                    </tr>
                  ))}
                </Table>
              </Card>
            )
          }
        </Shown>
        <More more={more} />
      </div>
    </>
  );
}

export function UserState({ user }: { user: User }) {
  return (
    <span class="row tight">
      {user.role === "admin" && <Badge tone="active">Admin</Badge>}
      {!user.is_active && <Badge tone="bad">Locked out</Badge>}
      {user.is_verified ? <Badge tone="good">Confirmed</Badge> : <Badge>Not confirmed</Badge>}
    </span>
  );
}
