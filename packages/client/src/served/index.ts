export { type Bundle, buildBundle } from "./bundle.ts";
export { installScript } from "./install-script.ts";
