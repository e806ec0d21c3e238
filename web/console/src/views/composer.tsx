// The prompt and its options, with what it will cost.
import { useEffect, useState } from "preact/hooks";
import { api, told, type Generation } from "../client";
import { plural } from "../format";
import { useAction, useAsked, useSendOnce } from "../hooks";
import { modelName, models, providerText, ratioOf, sizes, sizeText } from "../pictures";
import { link } from "../router";
import { Store } from "../store";
import { Button, Choice, Field, ProblemNote, Select, TextField } from "../ui/parts";

type Size = Generation["image_size"];
type Model = Generation["model_type"];

interface Wish {
  prompt: string;
  negative: string;
  model: Model;
  size: Size;
  images: string;
  guidance: string;
  steps: string;
  seed: string;
}

const kBlank: Wish = { prompt: "", negative: "", model: "stable-diffusion-xl", size: "1024x1024", images: "1", guidance: "7.5", steps: "50", seed: "" };

/** What is in the form, also while another view is shown. */
export const wish = new Store<Wish>(kBlank);

/** Begins with what another generation was asked for with. */
export function wishAgain(generation: Generation) {
  wish.value = {
    prompt: generation.prompt,
    negative: generation.negative_prompt ?? "",
    model: generation.model_type,
    size: generation.image_size,
    images: String(generation.num_images),
    guidance: String(generation.guidance_scale),
    steps: String(generation.num_inference_steps),
    seed: generation.seed === null || generation.seed === undefined ? "" : String(generation.seed),
  };
}

function Shape({ size }: { size: Size }) {
  const ratio = ratioOf(size);
  const longest = size === "256x256" ? 9 : size === "512x512" ? 12 : 16;
  const width = ratio >= 1 ? longest : longest * ratio;
  const height = ratio >= 1 ? longest / ratio : longest;
  return <i class="shape" style={{ width: `${width}px`, height: `${height}px` }} />;
}

const sizeOptions = sizes.map(
  (size) =>
    [
      size,
      <>
        <Shape size={size} />
        {sizeText(size)}
      </>,
    ] as const,
);
const imageOptions = ["1", "2", "3", "4"].map((text) => [text, text] as const);

const numberOf = (text: string) => (text.trim() === "" ? undefined : Number(text));

export function Composer({ credits, onMade }: { credits: number; onMade: (made: Generation) => void }) {
  const [form, setForm] = useState(wish.value);
  const action = useAction();
  const sendOnce = useSendOnce();
  useEffect(() => {
    wish.value = form;
  }, [form]);
  const set = (part: Partial<Wish>) => setForm((old) => ({ ...old, ...part }));
  const images = Number(form.images);
  const offered = useAsked(() => told(api.GET("/api/v1/models")), []);
  const model = offered.data?.items.find(({ model_type }) => model_type === form.model);
  const cost = images * (model?.credits ?? 1);
  const modelOptions = offered.data?.items.map(({ model_type, credits }) => [model_type, credits === 1 ? modelName(model_type) : `${modelName(model_type)}, ${plural(credits, "credit")}`] as const) ?? models;
  const short = cost > credits;
  const fields = action.problem?.fields ?? {};
  const submit = async () => {
    const seed = numberOf(form.seed);
    const body = {
      prompt: form.prompt.trim(),
      ...(form.negative.trim() === "" ? {} : { negative_prompt: form.negative.trim() }),
      model_type: form.model,
      image_size: form.size,
      num_images: images,
      guidance_scale: numberOf(form.guidance) ?? 7.5,
      num_inference_steps: numberOf(form.steps) ?? 50,
      ...(seed === undefined ? {} : { seed }),
    };
    const made = await sendOnce(body, (body, key) => told(api.POST("/api/v1/generations", { params: { header: { "Idempotency-Key": key } }, body })));
    set({ prompt: "" });
    onMade(made);
  };
  const send = () => {
    if (form.prompt.trim() !== "" && !short) void action.run(submit);
  };
  const deeper = fields.guidance_scale ?? fields.num_inference_steps ?? fields.seed ?? fields.negative_prompt;
  return (
    <form
      class="composer"
      noValidate
      aria-label="A new picture"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div>
        <label class="unseen" for="prompt">
          Describe a picture
        </label>
        <textarea
          id="prompt"
          class="prompt"
          rows={3}
          maxLength={2000}
          placeholder="Describe a picture: a lighthouse at dusk, oil on canvas"
          value={form.prompt}
          aria-invalid={fields.prompt !== undefined}
          onInput={(event) => set({ prompt: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
          }}
        />
        {fields.prompt !== undefined && <p class="fault">{fields.prompt}</p>}
      </div>
      <div class="options">
        <Select label="Model" value={form.model} options={modelOptions} onPick={(model) => set({ model })} />
        <Choice label="Size in pixels" value={form.size} options={sizeOptions} onPick={(size) => set({ size })} />
        <Choice label="Pictures" value={form.images} options={imageOptions} onPick={(images) => set({ images })} />
      </div>
      <details open={deeper !== undefined || undefined}>
        <summary>More options</summary>
        <div class="more">
          <div class="whole">
            <TextField label="Not in the picture" rows={2} maxLength={2000} value={form.negative} fault={fields.negative_prompt} onInput={(event) => set({ negative: event.currentTarget.value })} />
          </div>
          <Field label="Guidance, 1 to 20" type="number" min={1} max={20} step={0.5} value={form.guidance} fault={fields.guidance_scale} hint="How closely it follows the words" onInput={(event) => set({ guidance: event.currentTarget.value })} />
          <Field label="Steps, 1 to 150" type="number" min={1} max={150} value={form.steps} fault={fields.num_inference_steps} hint="More take longer" onInput={(event) => set({ steps: event.currentTarget.value })} />
          <Field label="Seed" type="number" min={0} max={4294967295} placeholder="Any" value={form.seed} fault={fields.seed} hint="The same one paints the same" onInput={(event) => set({ seed: event.currentTarget.value })} />
        </div>
      </details>
      {Object.keys(fields).length === 0 && <ProblemNote problem={action.problem} />}
      <div class="send">
        <p class="small num" id="cost">
          {plural(cost, "credit")} <span class="quiet">of {plural(credits, "credit")} left</span>
          {model?.provider === "preview" && <span class="quiet"> · {providerText.preview}: a sketch, no model's work</span>}
          {short && (
            <>
              {" "}
              · <a href={link("credits")}>Get more</a>
            </>
          )}
        </p>
        <Button type="submit" look="primary" busy={action.busy} disabled={short || form.prompt.trim() === ""} aria-describedby="cost">
          {action.busy ? "One moment…" : "Paint it"}
        </Button>
      </div>
    </form>
  );
}
