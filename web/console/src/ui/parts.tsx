// The parts that views are made of.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Asked } from "../hooks";
import type { Pages } from "../pages";
import type { Problem } from "../problem";
import { EmptyFrame } from "./icons";

type Children = { children?: ComponentChildren };

export function Button(props: JSX.IntrinsicElements["button"] & { look?: string; busy?: boolean }) {
  const { look = "", busy = false, disabled, onClick, children, ...rest } = props;
  return (
    <button type="button" {...rest} class={`button ${look}`} disabled={disabled} aria-busy={busy} onClick={busy ? undefined : onClick}>
      {children}
    </button>
  );
}

/** The head of a view. Its heading gets the focus when the view is shown. */
export function Head({ title, about, children }: { title: string; about?: ComponentChildren } & Children) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Gesso`;
    if (document.body.dataset.moved === "true") heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div class="head">
      <div>
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        {about !== undefined && <p>{about}</p>}
      </div>
      {children !== undefined && <div class="row">{children}</div>}
    </div>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  fault?: string | undefined;
}

/** A label, a control, and what is to be said of them. */
function Labelled({ label, hint, fault, make }: FieldProps & { make: (props: { id: string; "aria-describedby"?: string; "aria-invalid"?: "true" }) => ComponentChildren }) {
  const id = useId();
  const said = [fault === undefined ? "" : `${id}-fault`, hint === undefined ? "" : `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {make({ id, ...(said === "" ? {} : { "aria-describedby": said }), ...(fault === undefined ? {} : { "aria-invalid": "true" as const }) })}
      {fault !== undefined && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Field(props: FieldProps & JSX.IntrinsicElements["input"]) {
  const { label, hint, fault, ...rest } = props;
  return <Labelled label={label} hint={hint} fault={fault} make={(made) => <input class="input" {...made} {...rest} />} />;
}

export function TextField(props: FieldProps & JSX.IntrinsicElements["textarea"]) {
  const { label, hint, fault, ...rest } = props;
  return <Labelled label={label} hint={hint} fault={fault} make={(made) => <textarea class="input" {...made} {...rest} />} />;
}

export function Select<T extends string>(props: FieldProps & { value: T; options: readonly (readonly [T, string])[]; onPick: (value: T) => void }) {
  const { label, hint, fault, value, options, onPick } = props;
  return (
    <Labelled
      label={label}
      hint={hint}
      fault={fault}
      make={(made) => (
        <select class="input" {...made} value={value} onChange={(event) => onPick(event.currentTarget.value as T)}>
          {options.map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      )}
    />
  );
}

/** One of a few, all seen at once. */
export function Choice<T extends string>(props: { label: string; unseen?: boolean; value: T; options: readonly (readonly [T, ComponentChildren])[]; onPick: (value: T) => void }) {
  const { label, unseen = false, value, options, onPick } = props;
  const name = useId();
  return (
    <div class="field" role="radiogroup" aria-labelledby={`${name}-label`}>
      <span id={`${name}-label`} class={unseen ? "unseen" : "label"}>
        {label}
      </span>
      <div class="choice">
        {options.map(([key, text]) => (
          <label key={key}>
            <input type="radio" name={name} value={key} checked={key === value} onChange={() => onPick(key)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </div>
  );
}

export function Badge({ tone = "", children }: { tone?: string } & Children) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Card({ title, aside, children }: { title?: string; aside?: ComponentChildren } & Children) {
  const id = useId();
  return (
    <section class="card" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** What went wrong, in words, and what the service's log has it under. */
export function ProblemNote({ problem, again }: { problem: Problem | undefined; again?: () => void }) {
  if (problem === undefined) return null;
  return (
    <div class="notice bad" role="alert">
      <div>
        <p>
          <strong>{problem.title}.</strong> {problem.message}
        </p>
        {problem.requestId !== "" && <p class="request-id">Request {problem.requestId}</p>}
      </div>
      {again !== undefined && (
        <Button look="slim" onClick={again}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string } & Children) {
  return (
    <div class="empty">
      <EmptyFrame />
      <h3>{title}</h3>
      {children}
    </div>
  );
}

const heights: Record<string, string> = { line: "bone-line", block: "bone-block", chart: "bone-chart" };

/** In the place of what has not come yet, as large as that will be. */
export function Bones({ count = 3, kind = "line" }: { count?: number; kind?: "line" | "block" | "chart" }) {
  return (
    <div class="stack" aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <span key={index} class={`bone ${heights[kind]}`} />
      ))}
    </div>
  );
}

/** In the place of figures beside each other. */
export function TileBones({ count = 4 }: { count?: number }) {
  return (
    <div class={`tiles${count === 6 ? " six" : ""}`} aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} class="figure">
          <span class="bone bone-line" />
        </div>
      ))}
    </div>
  );
}

/** In the place of charts, each in its card. */
export function ChartBones({ count = 1 }: { count?: number }) {
  return (
    <>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} class="card" aria-hidden="true">
          <span class="bone bone-chart" />
        </div>
      ))}
    </>
  );
}

type Column = string | { name: string; right?: boolean; unseen?: boolean };

/** Rows under their columns. One that may be wider than its place has a name, and the keyboard scrolls
 * it; one that `stacks` shows each row as a card on a phone. Rows come in a body of their own, but for
 * `bodies`, which bring theirs. */
export function Table({ name, columns, stacks = false, bodies = false, children }: { name?: string; columns: readonly Column[]; stacks?: boolean; bodies?: boolean } & Children) {
  const region = name === undefined ? {} : { tabIndex: 0, role: "region" as const, "aria-label": `${name}, table` };
  return (
    <div class="table-wrap" {...region}>
      <table class={stacks ? "stacks" : undefined}>
        <thead>
          <tr>
            {columns.map((column) => {
              const { name: text, right = false, unseen = false } = typeof column === "string" ? { name: column } : column;
              return (
                <th key={text} scope="col" class={right ? "right" : undefined}>
                  {unseen ? <span class="unseen">{text}</span> : text}
                </th>
              );
            })}
          </tr>
        </thead>
        {bodies ? children : <tbody>{children}</tbody>}
      </table>
    </div>
  );
}

/** What was asked for, or what stands in its place. */
export function Shown<T>({ asked, bones, children }: { asked: Asked<T>; bones?: ComponentChildren; children: (data: T) => ComponentChildren }) {
  return (
    <>
      <ProblemNote problem={asked.problem} again={asked.again} />
      {asked.loading && (
        <>
          <p class="unseen" role="status">
            Loading
          </p>
          {bones ?? <Bones />}
        </>
      )}
      {asked.data !== undefined && children(asked.data)}
    </>
  );
}

/** Below a list: what gets its next page. */
export function More({ more }: { more: Pages<never>["more"] }) {
  if (more === undefined) return null;
  return (
    <>
      <ProblemNote problem={more.problem} />
      <p class="more">
        <Button busy={more.busy} onClick={more.show}>
          {more.busy ? "One moment…" : "Show older ones"}
        </Button>
      </p>
    </>
  );
}

/** A figure and what it is of. */
export function Figure({ name, aside, tone = "", children }: { name: string; aside?: ComponentChildren; tone?: string } & Children) {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>{children}</dd>
      {aside !== undefined && <dd class="aside">{aside}</dd>}
    </div>
  );
}

/** Asks before something that cannot be taken back, or for what it needs. */
export function Dialog({ title, open, onClose, children }: { title: string; open: boolean; onClose: () => void } & Children) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (open && element !== null && !element.open) element.showModal();
    if (!open) element?.close();
  }, [open]);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      {open && (
        <>
          <h2 id={id}>{title}</h2>
          {children}
        </>
      )}
    </dialog>
  );
}
