// Asking for pictures, and all that were asked for, with what becomes of them as it happens.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, told, type Generation } from "../client";
import { hasEnded, watchGeneration } from "../events";
import { plural } from "../format";
import { useAsked } from "../hooks";
import { link } from "../router";
import { reloadUser, type User } from "../session";
import { Picture } from "../ui/picture";
import { Badge, Bones, Button, Choice, Empty, Head, ProblemNote, Shown } from "../ui/parts";
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

interface Page {
  items: Generation[];
  next: string | null;
}

async function load(filter: Filter, cursor = ""): Promise<Page> {
  const query = { limit: 24, ...(cursor === "" ? {} : { cursor }), ...(filter === "completed" || filter === "failed" ? { status: filter } : {}) };
  const page = await told(api.GET("/api/v1/generations", { params: { query } }));
  return { items: page.items, next: page.next_cursor ?? null };
}

export function Studio({ user }: { user: User }) {
  const [filter, setFilter] = useState<Filter>("all");
  const [more, setMore] = useState<{ busy: boolean; problem?: Parameters<typeof ProblemNote>[0]["problem"] }>({ busy: false });
  const [words, setWords] = useState("");
  const asked = useAsked(() => load(filter), [filter]);
  const subscription = useAsked(() => told(api.GET("/api/v1/subscriptions/me")), [user.credits_remaining]);
  const credits = user.credits_remaining + (subscription.data?.credits_left ?? 0);
  const put = (now: Generation) => {
    asked.change((page) => ({ ...page, items: page.items.map((one) => (one.id === now.id ? now : one)) }));
    if (hasEnded(now)) {
      setWords(`${statusText[now.status]}: ${now.prompt}`);
      void reloadUser();
    }
  };
  const active = (asked.data?.items ?? []).filter((one) => !hasEnded(one));
  useLive(active, put, () => {
    void load(filter).then((fresh) => {
      asked.change((page) => ({ ...page, items: [...fresh.items, ...page.items.slice(fresh.items.length)] }));
    }, () => undefined);
  });
  const showMore = async (cursor: string) => {
    setMore({ busy: true });
    try {
      const next = await load(filter, cursor);
      asked.change((page) => ({ items: [...page.items, ...next.items], next: next.next }));
      setMore({ busy: false });
    } catch (problem) {
      setMore({ busy: false, problem: problem as never });
    }
  };

  return (
    <>
      <Head title="Studio" />
      <Composer
        credits={credits}
        onMade={(made) => {
          setFilter("all");
          asked.change((page) => ({ ...page, items: [made, ...page.items.filter((one) => one.id !== made.id)] }));
          setWords(`Asked for: ${made.prompt}`);
          void reloadUser();
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
              <ProblemNote problem={more.problem} />
              {page.next !== null && (
                <p class="more">
                  <Button busy={more.busy} onClick={() => showMore(page.next ?? "")}>
                    {more.busy ? "One moment…" : "Show older ones"}
                  </Button>
                </p>
              )}
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

/** Streams of the newest that are under way; the others are asked for with the list. */
function useLive(active: Generation[], tell: (now: Generation) => void, askAll: () => void) {
  const latest = useRef({ tell, askAll });
  latest.current = { tell, askAll };
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
  const some = active.length > 0;
  useEffect(() => {
    if (!some) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") latest.current.askAll();
    }, kAskEvery);
    return () => clearInterval(timer);
  }, [some]);
}
