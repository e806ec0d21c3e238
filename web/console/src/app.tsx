// Which view is shown to whom.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { replace, takeMailedToken, useRoute, type Route } from "./router";
import { restore, session, type User } from "./session";
import { useStore } from "./store";
import { Toasts } from "./ui/toasts";
import { Frame } from "./views/frame";
import { Forgot, Register, Reset, SignIn, Verify } from "./views/door";
import { Studio } from "./views/studio";
import { Work } from "./views/work";
import { Credits } from "./views/credits";
import { Keys } from "./views/keys";
import { Account } from "./views/account";
import { NotHere } from "./views/not_here";
import { Overview } from "./ops/overview";
import { Database } from "./ops/database";
import { Users } from "./ops/users";
import { OneUser } from "./ops/one_user";
import { AllPictures } from "./ops/pictures";
import { AllUsage } from "./ops/usage";

const mailed = takeMailedToken();

function outside([first = ""]: string[], why: string | undefined): ComponentChildren {
  switch (first) {
    case "register":
      return <Register />;
    case "verify":
      return <Verify token={mailed} />;
    case "forgot":
      return <Forgot />;
    case "reset":
      return <Reset token={mailed} />;
    default:
      return <SignIn why={why} />;
  }
}

function ofOperators([second = "", third]: string[]): ComponentChildren {
  switch (second) {
    case "":
      return <Overview />;
    case "database":
      return <Database />;
    case "users":
      return third === undefined ? <Users /> : <OneUser key={third} id={third} />;
    case "pictures":
      return <AllPictures />;
    case "usage":
      return <AllUsage />;
    default:
      return <NotHere />;
  }
}

function inside({ path: [first = "", ...rest] }: Route, user: User): ComponentChildren {
  switch (first) {
    case "":
      return <Studio user={user} />;
    case "work":
      return <Work key={rest[0]} id={rest[0] ?? ""} />;
    case "credits":
      return <Credits user={user} />;
    case "keys":
      return <Keys user={user} />;
    case "account":
      return <Account user={user} />;
    case "verify":
      return <Verify token={mailed} inside />;
    case "reset":
      return <Reset token={mailed} inside />;
    case "operate":
      return user.role === "admin" ? ofOperators(rest) : <NotHere />;
    default:
      return <NotHere />;
  }
}

const kDoors = ["sign-in", "register", "forgot"];

export function App() {
  const state = useStore(session);
  const route = useRoute();
  useEffect(() => void restore(), []);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [route]);
  const atDoor = state.kind === "in" && kDoors.includes(route.path[0] ?? "");
  useEffect(() => {
    if (atDoor) replace();
  }, [atDoor]);
  if (state.kind === "restoring" || atDoor) return <div class="unseen" role="status">Loading</div>;
  return (
    <>
      {state.kind === "out" ? outside(route.path, state.why) : <Frame user={state.user} route={route}>{inside(route, state.user)}</Frame>}
      <Toasts />
    </>
  );
}
