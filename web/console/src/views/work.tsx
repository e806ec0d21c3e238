// One generation: its pictures, how it is made, and what can be done with it.
import { useEffect, useState } from "preact/hooks";
import { api, told, type Generation } from "../client";
import { hasEnded, watchGeneration } from "../events";
import { duration, moment, plural } from "../format";
import { useAction, useAsked } from "../hooks";
import { modelName, picturesOf, providerText, sizeText, statusText, statusTone } from "../pictures";
import { go, link } from "../router";
import { reloadUser } from "../session";
import * as icons from "../ui/icons";
import { Picture } from "../ui/picture";
import { Badge, Bones, Button, Dialog, Head, ProblemNote, Shown } from "../ui/parts";
import { say } from "../ui/toasts";
import { wishAgain } from "./composer";

export function Work({ id }: { id: string }) {
  const asked = useAsked(() => told(api.GET("/api/v1/generations/{id}", { params: { path: { id } } })), [id]);
  const active = asked.data !== undefined && !hasEnded(asked.data);
  useEffect(() => {
    if (!active) return;
    const stream = new AbortController();
    void watchGeneration(id, stream.signal, (now) => {
      asked.change(() => now);
      if (hasEnded(now)) void reloadUser();
    });
    return () => stream.abort();
  }, [id, active]);
  return (
    <>
      <Head title="Picture">
        <a class="button plain" href={link()}>
          <icons.Back />
          All pictures
        </a>
      </Head>
      <Shown asked={asked} bones={<WorkBones />}>
        {(generation) => <Body generation={generation} change={asked.change} />}
      </Shown>
    </>
  );
}

const WorkBones = () => (
  <div class="work">
    <span class="picture bone square" />
    <Bones count={6} />
  </div>
);

function Body({ generation, change }: { generation: Generation; change: (how: (old: Generation) => Generation) => void }) {
  const action = useAction();
  const [asking, setAsking] = useState(false);
  const { id } = generation;
  const count = hasEnded(generation) ? Math.max(1, picturesOf(generation).length) : generation.num_images;
  const cancel = () =>
    action.run(async () => {
      const now = await told(api.POST("/api/v1/generations/{id}/cancel", { params: { path: { id } } }));
      change(() => now);
      say(hasEnded(now) ? "It is cancelled." : "It was asked to stop.");
      await reloadUser();
    });
  const remove = () =>
    action.run(async () => {
      await told(api.DELETE("/api/v1/generations/{id}", { params: { path: { id } } }));
      say("It is deleted.");
      go();
    });
  return (
    <div class="work">
      <div class={`pictures${count > 1 ? " several" : ""}`}>
        {Array.from({ length: count }, (_, index) => (
          <PictureLink key={index} generation={generation} index={index} />
        ))}
      </div>
      <div class="stack wide">
        <ProblemNote problem={action.problem} />
        <p class="prompt">{generation.prompt}</p>
        {generation.status === "failed" && (
          <p class="notice bad">
            <span>
              <strong>It failed.</strong> {generation.error_message ?? "No reason was given."}
              {generation.refunded_at != null && " What it cost was given back."}
            </span>
          </p>
        )}
        <Facts generation={generation} />
        <div class="row">
          <Button
            look="primary"
            onClick={() => {
              wishAgain(generation);
              go();
            }}
          >
            Use these words again
          </Button>
          {!hasEnded(generation) && (
            <Button busy={action.busy} disabled={generation.cancel_requested_at != null} onClick={cancel}>
              {generation.cancel_requested_at == null ? "Cancel" : "Stopping…"}
            </Button>
          )}
          {hasEnded(generation) && (
            <Button look="danger" onClick={() => setAsking(true)}>
              Delete
            </Button>
          )}
        </div>
      </div>
      <Dialog title="Delete this picture?" open={asking} onClose={() => setAsking(false)}>
        <div class="stack wide">
          <p>It goes for good, with what it shows. What it cost is not given back.</p>
          <div class="row">
            <Button look="danger" busy={action.busy} onClick={remove}>
              Delete it
            </Button>
            <Button onClick={() => setAsking(false)}>Keep it</Button>
          </div>
        </div>
      </Dialog>
    </div>
  );
}

function PictureLink({ generation, index }: { generation: Generation; index: number }) {
  const url = picturesOf(generation)[index];
  const picture = <Picture generation={generation} index={index} whole />;
  if (url === undefined) return picture;
  return (
    <a class="tile-plain" href={url} target="_blank" rel="noreferrer" aria-label={`Picture ${index + 1}, full size in a new tab`}>
      {picture}
    </a>
  );
}

export function Facts({ generation }: { generation: Generation }) {
  const refunded = generation.refunded_at != null;
  return (
    <dl class="facts small">
      <dt>State</dt>
      <dd>
        <Badge tone={statusTone[generation.status]}>{statusText[generation.status]}</Badge>
      </dd>
      <dt>Model</dt>
      <dd>{modelName(generation.model_type)}</dd>
      {generation.provider != null && (
        <>
          <dt>Painted by</dt>
          <dd>
            {providerText[generation.provider] ?? generation.provider}
            {generation.provider === "preview" && <span class="quiet">, a sketch that this service draws by itself</span>}
          </dd>
        </>
      )}
      <dt>Size</dt>
      <dd class="num">{sizeText(generation.image_size)}</dd>
      <dt>Guidance, steps</dt>
      <dd class="num">
        {generation.guidance_scale}, {generation.num_inference_steps}
      </dd>
      {generation.seed != null && (
        <>
          <dt>Seed</dt>
          <dd class="num">{generation.seed}</dd>
        </>
      )}
      {generation.negative_prompt != null && (
        <>
          <dt>Not in it</dt>
          <dd>{generation.negative_prompt}</dd>
        </>
      )}
      <dt>Cost</dt>
      <dd class="num">
        {plural(generation.cost_credits, "credit")}
        {refunded && ", given back"}
      </dd>
      <dt>Asked for</dt>
      <dd>{moment(generation.created_at)}</dd>
      {generation.processing_time_ms != null && (
        <>
          <dt>Painted in</dt>
          <dd class="num">{duration(generation.processing_time_ms / 1000)}</dd>
        </>
      )}
      <dt>Id</dt>
      <dd class="mono">{generation.id}</dd>
    </dl>
  );
}
