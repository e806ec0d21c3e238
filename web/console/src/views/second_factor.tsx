// A second factor: begun with the password, confirmed with a code, taken away again.
import { useState } from "preact/hooks";
import { api, told, type Schemas } from "../client";
import { useAction } from "../hooks";
import { Button, Card, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import { Form } from "./door";

type Step = { kind: "closed" } | { kind: "proof"; off: boolean } | { kind: "code"; enrolment: Schemas["TotpEnrolment"] } | { kind: "codes"; codes: string[] };

const titles: Record<Step["kind"], string> = { closed: "", proof: "Your password first", code: "Enter its first code", codes: "Keep these recovery codes" };

export function SecondFactor() {
  const [step, setStep] = useState<Step>({ kind: "closed" });
  const close = () => setStep({ kind: "closed" });
  return (
    <Card title="Second factor">
      <div class="stack">
        <p class="quiet">A code of an authenticator program is asked for beside the password when you sign in.</p>
        <div class="row">
          <Button onClick={() => setStep({ kind: "proof", off: false })}>Turn it on</Button>
          <Button look="plain" onClick={() => setStep({ kind: "proof", off: true })}>
            Turn it off
          </Button>
        </div>
      </div>
      <Dialog title={titles[step.kind]} open={step.kind !== "closed"} onClose={close}>
        {step.kind === "proof" && <ProofStep off={step.off} go={setStep} />}
        {step.kind === "code" && <CodeStep enrolment={step.enrolment} go={setStep} />}
        {step.kind === "codes" && (
          <div class="stack wide">
            <p>Each of them replaces a code once. They are shown this once.</p>
            <code class="secret codes">{step.codes.join("\n")}</code>
            <Button look="primary" onClick={close}>
              I have kept them
            </Button>
          </div>
        )}
      </Dialog>
    </Card>
  );
}

function ProofStep({ off, go }: { off: boolean; go: (step: Step) => void }) {
  const action = useAction();
  const [password, setPassword] = useState("");
  const submit = async () => {
    if (off) {
      await told(api.POST("/api/v1/users/me/totp/disable", { body: { password } }));
      say("The second factor is off.");
      go({ kind: "closed" });
    } else {
      go({ kind: "code", enrolment: await told(api.POST("/api/v1/users/me/totp", { body: { password } })) });
    }
  };
  return (
    <Form action={action} submit={submit} label={off ? "Turn it off" : "Go on"}>
      <Field label="Password" type="password" autocomplete="current-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
    </Form>
  );
}

function CodeStep({ enrolment, go }: { enrolment: Schemas["TotpEnrolment"]; go: (step: Step) => void }) {
  const action = useAction();
  const [code, setCode] = useState("");
  const submit = async () => {
    const { codes } = await told(api.POST("/api/v1/users/me/totp/confirm", { body: { code: code.trim() } }));
    say("The second factor is on.");
    go({ kind: "codes", codes });
  };
  return (
    <div class="stack wide">
      <p>
        Add this secret to your authenticator program, or <a href={enrolment.uri}>open it there</a>.
      </p>
      <code class="secret" data-testid="totp-secret">
        {enrolment.secret}
      </code>
      <Form action={action} submit={submit} label="Turn it on">
        <Field label="Code" inputMode="numeric" autocomplete="one-time-code" value={code} onInput={(event) => setCode(event.currentTarget.value)} />
      </Form>
    </div>
  );
}
