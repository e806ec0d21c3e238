// Generations of all users, newest first, by state.
import { useState } from "preact/hooks";
import { api, told, type Generation } from "../client";
import { ago } from "../format";
import { usePages, type Page } from "../pages";
import { statusText } from "../pictures";
import { link, useRoute } from "../router";
import { Picture } from "../ui/picture";
import { Button, Choice, Dialog, Empty, Head, More, Shown } from "../ui/parts";
import { Facts } from "../views/work";
import { GalleryBones } from "../views/studio";

type Status = Generation["status"];

const states = (["completed", "pending", "processing", "failed", "cancelled"] as const).map((status) => [status, statusText[status]] as const);

async function load(status: Status, user: string, before?: string): Promise<Page<Generation>> {
  const query = { status, limit: 30, ...(user === "" ? {} : { user_id: user }), ...(before === undefined ? {} : { before }) };
  const page = await told(api.GET("/api/v1/admin/generations", { params: { query } }));
  return { items: page.items, next: page.older ?? null };
}

export function AllPictures() {
  const user = useRoute().query.get("user") ?? "";
  const [status, setStatus] = useState<Status>("completed");
  const [looked, setLooked] = useState<Generation>();
  const { asked, more } = usePages((before) => load(status, user, before), [status, user]);
  return (
    <>
      <Head
        title="Pictures"
        about={
          user === "" ? (
            "Of all users, newest first."
          ) : (
            <>
              Of <a href={link("operate", "users", user)}>one user</a>, newest first. <a href={link("operate", "pictures")}>Show all</a>
            </>
          )
        }
      >
        <Choice label="State" unseen value={status} options={states} onPick={setStatus} />
      </Head>
      <Shown asked={asked} bones={<GalleryBones />}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={`None ${status === "completed" ? "yet" : "in this state"}`} />
          ) : (
            <ul class="gallery">
              {page.items.map((one) => (
                <li key={one.id}>
                  <button type="button" class="tile as-button" onClick={() => setLooked(one)}>
                    <Picture generation={one} />
                    <span class="caption">{one.prompt}</span>
                    <span class="hint">{ago(one.created_at)}</span>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <More more={more} />
      <Dialog title="Picture" open={looked !== undefined} onClose={() => setLooked(undefined)}>
        {looked !== undefined && (
          <div class="stack">
            <Picture generation={looked} whole />
            <p>{looked.prompt}</p>
            {looked.error_message != null && <p class="notice bad">{looked.error_message}</p>}
            <Facts generation={looked} />
            <div class="row">
              <a class="button" href={link("operate", "users", looked.user_id)}>
                Who asked for it
              </a>
              <Button onClick={() => setLooked(undefined)}>Close</Button>
            </div>
          </div>
        )}
      </Dialog>
    </>
  );
}
