// Light or dark: what the system wants, until the person says otherwise.
import { Store } from "./store";

export type Theme = "light" | "dark";

const kKey = "gesso.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function wanted(): Theme {
  const chosen = localStorage.getItem(kKey);
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

export const theme = new Store<Theme>(wanted());

function show() {
  document.documentElement.dataset.theme = theme.value;
}

export function startTheme() {
  show();
  system.addEventListener("change", () => {
    theme.value = wanted();
    show();
  });
}

export function switchTheme() {
  theme.value = theme.value === "dark" ? "light" : "dark";
  if (theme.value === (system.matches ? "dark" : "light")) localStorage.removeItem(kKey);
  else localStorage.setItem(kKey, theme.value);
  show();
}
