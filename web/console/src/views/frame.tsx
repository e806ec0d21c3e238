// The frame around the views of who is signed in.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { link, type Route } from "../router";
import { signOut, type User } from "../session";
import { useStore } from "../store";
import { switchTheme, theme } from "../theme";
import * as icons from "../ui/icons";
import { Button } from "../ui/parts";
import { say } from "../ui/toasts";

interface Entry {
  path: string[];
  name: string;
  Icon: () => JSX.Element;
}

const ofUsers: Entry[] = [
  { path: [], name: "Studio", Icon: icons.Brush },
  { path: ["credits"], name: "Credits and usage", Icon: icons.Coins },
  { path: ["keys"], name: "API keys", Icon: icons.Key },
  { path: ["account"], name: "Account", Icon: icons.Person },
];
const ofOperators: Entry[] = [
  { path: ["operate"], name: "Overview", Icon: icons.Pulse },
  { path: ["operate", "pictures"], name: "Pictures", Icon: icons.Pictures },
  { path: ["operate", "users"], name: "Users", Icon: icons.People },
  { path: ["operate", "usage"], name: "Usage", Icon: icons.Bars },
  { path: ["operate", "database"], name: "Database", Icon: icons.Stack },
];

function isCurrent(entry: Entry, path: string[]): boolean {
  const here = path[0] === "work" ? [] : path.slice(0, path[0] === "operate" ? 2 : 1);
  return here.join("/") === entry.path.join("/");
}

function Group({ name, entries, path }: { name: string; entries: Entry[]; path: string[] }) {
  return (
    <div class="group">
      <p>{name}</p>
      <ul>
        {entries.map((entry) => (
          <li key={entry.name}>
            <a href={link(...entry.path)} aria-current={isCurrent(entry, path) ? "page" : undefined}>
              <entry.Icon />
              {entry.name}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function ThemeButton() {
  const now = useStore(theme);
  return (
    <Button look="plain slim" onClick={switchTheme}>
      {now === "dark" ? <icons.Sun /> : <icons.Moon />}
      {now === "dark" ? "Light" : "Dark"}
    </Button>
  );
}

export function Frame({ user, route, children }: { user: User; route: Route; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [route]);
  useEffect(() => {
    if (!open) return;
    const close = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      menu.current?.focus();
    };
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, [open]);
  const leave = async () => {
    try {
      await signOut();
    } catch {
      say("The service could not be told. This page has forgotten you all the same.");
    }
  };
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("main h1")?.focus();
        }}
      >
        Skip to the content
      </a>
      <div class="frame">
        <div class="bar">
          <a class="brand" href={link()}>
            <icons.Mark />
            Gesso
          </a>
          <button ref={menu} type="button" class="button plain square" aria-expanded={open} aria-controls="rail" aria-label="Menu" onClick={() => setOpen(!open)}>
            {open ? <icons.Cross /> : <icons.Menu />}
          </button>
        </div>
        <div class={`rail${open ? " open" : ""}`} id="rail">
          <a class="brand" href={link()}>
            <icons.Mark />
            Gesso
          </a>
          <nav aria-label="Views">
            <Group name="Yours" entries={ofUsers} path={route.path} />
            {user.role === "admin" && <Group name="Operations" entries={ofOperators} path={route.path} />}
          </nav>
          <div class="foot">
            <p class="who" title={user.email}>
              {user.email}
            </p>
            <div class="foot-row">
              <ThemeButton />
              <Button look="plain slim" onClick={leave}>
                <icons.Out />
                Sign out
              </Button>
            </div>
          </div>
        </div>
        <main id="main" inert={open}>
          {children}
        </main>
      </div>
    </>
  );
}
