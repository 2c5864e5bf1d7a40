import { render } from "preact";
import { startLive } from "./app/live.ts";
import { startRouter } from "./app/router.ts";
import { Shell } from "./app/shell.tsx";
import { startShortcuts } from "./app/shortcuts.ts";
import { guardTexts } from "./text/guard-texts.ts";

guardTexts();
startRouter();
startShortcuts();
startLive();
const root = document.getElementById("app");
if (root !== null) render(<Shell />, root);
