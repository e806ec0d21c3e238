import { render } from "preact";
import { App } from "./app";
import { startTheme } from "./theme";
import "./style/index.css";

startTheme();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
