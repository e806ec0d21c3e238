// Asking for pictures, and all that were asked for, with what becomes of them as it happens.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, told, type Generation } from "../client";
import { hasEnded, watchGeneration } from "../events";
import { plural } from "../format";
import { useAsked } from "../hooks";
import { usePages, type Page } from "../pages";
import { poll } from "../poll";
import { link } from "../router";
import { reloadUser, type User } from "../session";
import { Picture } from "../ui/picture";
import { Badge, Bones, Choice, Empty, Head, More, Shown } from "../ui/parts";
import { statusText, statusTone } from "../pictures";
import { Composer } from "./composer";

type Filter = "all" | "completed" | "active" | "failed";

const filters = [
  ["all", "All"],
  ["completed", "Done"],
  ["failed", "Failed"],
] as const;

// A browser opens six connections to a host, and streams hold theirs: the newest are watched, the
// others are asked for now and then.
const kWatched = 2;
const kAskEvery = 4000;
const kRefundedWithin = 60_000;

async function load(filter: Filter, cursor?: string): Promise<Page<Generation>> {
  const query = { limit: 24, ...(cursor === undefined ? {} : { cursor }), ...(filter === "completed" || filter === "failed" ? { status: filter } : {}) };
  const page = await told(api.GET("/api/v1/generations", { params: { query } }));
  return { items: page.items, next: page.next_cursor ?? null };
}

export function Studio({ user }: { user: User }) {
  const [filter, setFilter] = useState<Filter>("all");
  const [words, setWords] = useState("");
  const { asked, more, refresh, put } = usePages((cursor) => load(filter, cursor), [filter]);
  const subscription = useAsked(() => told(api.GET("/api/v1/subscriptions/me")), []);
  const credits = user.credits_remaining + (subscription.data?.credits_left ?? 0);
  // Credits of the plan go first: what is left of them is asked along.
  const followCredits = useCallback(() => {
    void reloadUser();
    subscription.again();
  }, [subscription.again]);
  const items = asked.data?.items;
  useEnded(items ?? [], (ended) => {
    setWords(ended.map(({ status, refunded_at, prompt }) => `${statusText[status]}${refunded_at == null ? "" : ", and its credits are back"}: ${prompt}`).join(". "));
    followCredits();
  });
  const active = (items ?? []).filter((one) => !hasEnded(one));
  useLive(active, put, refresh, active.length > 0 || (items ?? []).some(isOwed));

  return (
    <>
      <Head title="Studio" />
      <Composer
        credits={credits}
        onMade={(made) => {
          setFilter("all");
          put(made);
          setWords(`Asked for: ${made.prompt}`);
          followCredits();
        }}
      />
      <div class="gallery-head">
        <h2>Your pictures</h2>
        <Choice label="Which pictures" unseen value={filter} options={filters} onPick={(value) => setFilter(value)} />
      </div>
      <p class="unseen" role="status">
        {words}
      </p>
      <Shown asked={asked} bones={<GalleryBones />}>
        {(page) =>
          page.items.length === 0 ? (
            filter === "all" ? (
              <Empty title="The ground is laid">
                <p>Describe a picture above, and it appears here while it is painted.</p>
              </Empty>
            ) : (
              <Empty title="None of these" />
            )
          ) : (
            <>
              <ul class="gallery" data-testid="gallery">
                {page.items.map((one) => (
                  <li key={one.id}>
                    <Tile generation={one} />
                  </li>
                ))}
              </ul>
              <More more={more} />
            </>
          )
        }
      </Shown>
    </>
  );
}

export function Tile({ generation, href = link("work", generation.id) }: { generation: Generation; href?: string }) {
  const { status } = generation;
  return (
    <a class="tile" href={href}>
      <Picture generation={generation} />
      <span class="caption">{generation.prompt}</span>
      {status !== "completed" && (
        <span>
          <Badge tone={statusTone[status]}>{statusText[status]}</Badge>
        </span>
      )}
      {status === "completed" && generation.num_images > 1 && <span class="unseen">{plural(generation.num_images, "picture")}</span>}
    </a>
  );
}

export function GalleryBones() {
  return (
    <div class="gallery" aria-hidden="true">
      {Array.from({ length: 8 }, (_, index) => (
        <div key={index} class="tile">
          <span class="picture bone" />
          <Bones count={1} />
        </div>
      ))}
    </div>
  );
}

/** What it cost is about to be given back. */
const isOwed = ({ status, refunded_at, cost_credits, completed_at, created_at }: Generation) =>
  (status === "failed" || status === "cancelled") && refunded_at == null && cost_credits > 0 && Date.now() - Date.parse(completed_at ?? created_at) < kRefundedWithin;

/** Tells of those that end while one looks, however that became known, and of those that are refunded. */
function useEnded(items: Generation[], tell: (ended: Generation[]) => void) {
  const before = useRef(new Map<string, string>());
  const stateOf = ({ status, refunded_at }: Generation) => `${status} ${refunded_at ?? ""}`;
  useEffect(() => {
    const ended = items.filter((one) => hasEnded(one) && before.current.has(one.id) && before.current.get(one.id) !== stateOf(one));
    for (const one of items) before.current.set(one.id, stateOf(one));
    if (ended.length > 0) tell(ended);
  }, [items]);
}

/** Streams of the newest that are under way; the others are asked for with the list, while there are `some` to ask for. */
function useLive(active: Generation[], tell: (now: Generation) => void, refresh: () => Promise<void>, some: boolean) {
  const latest = useRef({ tell, refresh });
  latest.current = { tell, refresh };
  const streams = useRef(new Map<string, AbortController>());
  const watched = active.slice(0, kWatched).map(({ id }) => id);
  const key = watched.join(" ");
  useEffect(() => {
    const running = streams.current;
    for (const [id, stream] of running) {
      if (watched.includes(id)) continue;
      stream.abort();
      running.delete(id);
    }
    for (const id of watched) {
      if (running.has(id)) continue;
      const stream = new AbortController();
      running.set(id, stream);
      void watchGeneration(id, stream.signal, (now) => latest.current.tell(now));
    }
  }, [key]);
  useEffect(
    () => () => {
      for (const stream of streams.current.values()) stream.abort();
    },
    [],
  );
  useEffect(() => {
    if (!some) return;
    return poll(() => latest.current.refresh().catch(() => undefined), kAskEvery);
  }, [some]);
}
