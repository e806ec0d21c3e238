// One picture of a generation, or what stands in its place while there is none.
import { useEffect, useState } from "preact/hooks";
import type { Generation } from "../client";
import { hasEnded } from "../events";
import { duration } from "../format";
import { useNow } from "../hooks";
import { picturesOf, ratioOf, statusText, thumbnailsOf } from "../pictures";

export function Picture({ generation, index = 0, whole = false }: { generation: Generation; index?: number; whole?: boolean }) {
  const urls = whole ? picturesOf(generation) : thumbnailsOf(generation);
  const url = urls[index];
  const [lost, setLost] = useState(false);
  useEffect(() => setLost(false), [url]);
  const style = whole ? { aspectRatio: String(ratioOf(generation.image_size)) } : undefined;
  return (
    <span class="picture" style={style}>
      {url !== undefined && !lost && <img src={url} alt={generation.prompt} loading="lazy" decoding="async" onError={() => setLost(true)} />}
      {url !== undefined && lost && (
        <span class="instead">
          The picture cannot be shown here.
        </span>
      )}
      {url === undefined && <Instead generation={generation} />}
      {!whole && urls.length > 1 && <span class="count">{urls.length} pictures</span>}
    </span>
  );
}

function Instead({ generation }: { generation: Generation }) {
  const active = !hasEnded(generation);
  const now = useNow(active);
  const since = Math.max(0, Math.round((now - Date.parse(generation.started_at ?? generation.created_at)) / 1000));
  if (!active) {
    const text = generation.status === "completed" ? "No picture is kept any more" : statusText[generation.status];
    return <span class="instead">{text}</span>;
  }
  return (
    <>
      <span class="laying" />
      <span class="instead num">
        {generation.cancel_requested_at === null ? statusText[generation.status] : "Stopping"} · {duration(since)}
      </span>
    </>
  );
}
