// Signing in, and what leads there: an account, an address that is confirmed, a new password.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, told } from "../client";
import { useAction, type Action } from "../hooks";
import { link, replace } from "../router";
import { adopt, reloadUser, signOut } from "../session";
import { Problem } from "../problem";
import * as icons from "../ui/icons";
import { Button, Field, Head, ProblemNote } from "../ui/parts";
import { say } from "../ui/toasts";
import { DoorArt } from "./door_art";
import { ThemeButton } from "./frame";

function Door({ children }: { children: ComponentChildren }) {
  return (
    <div class="door">
      <div class="door-panel">
        <a class="brand" href={link()}>
          <icons.Mark />
          Gesso
        </a>
        <main>{children}</main>
        <div class="door-foot">
          <ThemeButton />
          <a href="docs">API documentation</a>
        </div>
      </div>
      <div class="door-art">
        <DoorArt />
      </div>
    </div>
  );
}

interface FormProps {
  action: Action;
  submit: () => Promise<void>;
  label: string;
  /** Problems that a field shows itself. */
  fields?: string[];
  children: ComponentChildren;
}

/** A form that sends once, and says what went wrong. */
export function Form({ action, submit, label, fields = [], children }: FormProps) {
  const atField = action.problem !== undefined && Object.keys(action.problem.fields).some((name) => fields.includes(name));
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(submit);
      }}
    >
      {!atField && <ProblemNote problem={action.problem} />}
      {children}
      <Button type="submit" look="primary" busy={action.busy}>
        {action.busy ? "One moment…" : label}
      </Button>
    </form>
  );
}

export function SignIn({ why }: { why?: string | undefined }) {
  const action = useAction();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [challenge, setChallenge] = useState("");
  const submit = async () => {
    try {
      await adopt(await told(api.POST("/api/v1/auth/login", { body: { email, password } })));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "second_factor_required") throw error;
      setChallenge(error.challenge);
    }
  };
  if (challenge !== "") return <Code challenge={challenge} back={() => setChallenge("")} />;
  return (
    <Door>
      <Head title="Sign in" about="Pictures from words, and the service behind them." />
      <div class="stack wide">
        {why !== undefined && (
          <p class="notice" role="status">
            {why}
          </p>
        )}
        <Form action={action} submit={submit} label="Sign in" fields={["email", "password"]}>
          <Field label="Email" type="email" autocomplete="username" required value={email} fault={action.problem?.fields.email} onInput={(event) => setEmail(event.currentTarget.value)} />
          <Field label="Password" type="password" autocomplete="current-password" required value={password} fault={action.problem?.fields.password} onInput={(event) => setPassword(event.currentTarget.value)} />
        </Form>
        <div class="row spread small">
          <a href={link("register")}>Make an account</a>
          <a href={link("forgot")}>Forgot the password?</a>
        </div>
      </div>
    </Door>
  );
}

function Code({ challenge, back }: { challenge: string; back: () => void }) {
  const action = useAction();
  const [code, setCode] = useState("");
  const submit = async () => adopt(await told(api.POST("/api/v1/auth/login/code", { body: { challenge, code: code.trim() } })));
  return (
    <Door>
      <Head title="Second factor" about="Enter the six digits of your authenticator, or a recovery code." />
      <div class="stack wide">
        <Form action={action} submit={submit} label="Sign in">
          <Field label="Code" inputMode="text" autocomplete="one-time-code" required value={code} onInput={(event) => setCode(event.currentTarget.value)} ref={(input: HTMLInputElement | null) => input?.focus()} />
        </Form>
        <Button look="plain" onClick={back}>
          <icons.Back />
          Another account
        </Button>
      </div>
    </Door>
  );
}

export function Register() {
  const action = useAction();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [mailed, setMailed] = useState(false);
  const submit = async () => {
    const answer = await api.POST("/api/v1/auth/register", { body: { email, password, ...(name.trim() === "" ? {} : { full_name: name.trim() }) } });
    await told(Promise.resolve(answer));
    if (answer.response.status === 202) {
      setMailed(true);
      return;
    }
    try {
      await adopt(await told(api.POST("/api/v1/auth/login", { body: { email, password } })));
      say("Welcome. A mail to confirm your address is on its way.");
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "email_not_confirmed") throw error;
      setMailed(true);
    }
  };
  if (mailed) {
    return (
      <Door>
        <Head title="Look into your mail" about={`What was sent to ${email} confirms the address.`} />
        <p>
          <a href={link("verify")}>Enter what was mailed</a>
        </p>
      </Door>
    );
  }
  const fields = action.problem?.fields ?? {};
  return (
    <Door>
      <Head title="Make an account" about="You begin with some credits; a picture costs one." />
      <div class="stack wide">
        <Form action={action} submit={submit} label="Make the account" fields={["email", "password", "full_name"]}>
          <Field label="Name (optional)" autocomplete="name" value={name} fault={fields.full_name} onInput={(event) => setName(event.currentTarget.value)} />
          <Field label="Email" type="email" autocomplete="username" required value={email} fault={fields.email} onInput={(event) => setEmail(event.currentTarget.value)} />
          <Field label="Password" type="password" autocomplete="new-password" required hint="At least 8 characters; several words are good." value={password} fault={fields.password} onInput={(event) => setPassword(event.currentTarget.value)} />
        </Form>
        <p class="small">
          <a href={link("sign-in")}>I have an account</a>
        </p>
      </div>
    </Door>
  );
}

/** Confirms an address: at once with the token of the link that led here, else with one that is entered. */
export function Verify({ token, inside = false }: { token: string | null; inside?: boolean }) {
  const action = useAction();
  const [text, setText] = useState(token ?? "");
  const [done, setDone] = useState(false);
  const submit = async () => {
    await told(api.POST("/api/v1/auth/verify-email", { body: { token: text.trim() } }));
    setDone(true);
    await reloadUser();
  };
  useEffect(() => {
    if (token !== null) void action.run(submit);
  }, []);
  const body = done ? (
    <>
      <Head title="Your address is confirmed" />
      <p>
        <a href={link(...(inside ? [] : ["sign-in"]))}>{inside ? "To the studio" : "Sign in"}</a>
      </p>
    </>
  ) : (
    <>
      <Head title="Confirm your address" about="Enter what was mailed to you. It begins with gv_." />
      <Form action={action} submit={submit} label="Confirm">
        <Field label="From the mail" autocomplete="off" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </Form>
    </>
  );
  return inside ? <div class="narrow">{body}</div> : <Door>{body}</Door>;
}

export function Forgot() {
  const action = useAction();
  const [email, setEmail] = useState("");
  const [answer, setAnswer] = useState("");
  const submit = async () => {
    const { message } = await told(api.POST("/api/v1/auth/forgot-password", { body: { email } }));
    setAnswer(message);
  };
  return (
    <Door>
      <Head title="Forgot the password" about="A mail lets you set a new one, within ten minutes." />
      <div class="stack wide">
        {answer === "" ? (
          <Form action={action} submit={submit} label="Send the mail" fields={["email"]}>
            <Field label="Email" type="email" autocomplete="username" required value={email} fault={action.problem?.fields.email} onInput={(event) => setEmail(event.currentTarget.value)} />
          </Form>
        ) : (
          <p class="notice good" role="status">
            {answer}.
          </p>
        )}
        <div class="row spread small">
          <a href={link("reset")}>Enter what was mailed</a>
          <a href={link("sign-in")}>Sign in</a>
        </div>
      </div>
    </Door>
  );
}

/** Sets the password of whom the mail was sent to, who need not be whoever is signed in here. */
export function Reset({ token, inside = false }: { token: string | null; inside?: boolean }) {
  const action = useAction();
  const [text, setText] = useState(token ?? "");
  const [password, setPassword] = useState("");
  const submit = async () => {
    await told(api.POST("/api/v1/auth/reset-password", { body: { token: text.trim(), new_password: password } }));
    // The session has ended with the old password; one of another user's ends here, too.
    if (inside) await signOut().catch(() => undefined);
    say("The new password is set. You are signed out everywhere.");
    replace("sign-in");
  };
  const fields = action.problem?.fields ?? {};
  const body = (
    <>
      <Head title="Set a new password" />
      <Form action={action} submit={submit} label="Set the password" fields={["token", "new_password"]}>
        {token === null && <Field label="From the mail" hint="It begins with gp_." autocomplete="off" spellcheck={false} value={text} fault={fields.token} onInput={(event) => setText(event.currentTarget.value)} />}
        <Field label="New password" type="password" autocomplete="new-password" hint="At least 8 characters; several words are good." value={password} fault={fields.new_password} onInput={(event) => setPassword(event.currentTarget.value)} />
      </Form>
    </>
  );
  return inside ? <div class="narrow">{body}</div> : <Door>{body}</Door>;
}
