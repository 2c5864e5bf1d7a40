/** A word of POSIX sh that stands for exactly this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Exits with 0 in Bun and in Node 20 or newer. */
const IS_USABLE = "process.exit(process.versions.bun || parseInt(process.versions.node) >= 20 ? 0 : 1)";

/** Where runtimes are that are not on the PATH of a hook or a service. */
const PLACES = [
  '"$HOME/.bun/bin/bun"',
  "/opt/homebrew/bin/bun",
  "/usr/local/bin/bun",
  "/opt/homebrew/bin/node",
  "/usr/local/bin/node",
  "/usr/bin/node",
  '"$HOME"/.nvm/versions/node/*/bin/node',
  '"$HOME"/.local/share/fnm/node-versions/*/installation/bin/node',
  '"$HOME"/.volta/bin/node',
  '"$HOME"/.asdf/shims/node',
  '"$HOME"/.local/share/mise/shims/node',
];

/**
 * Shell lines that set `runtime` to the path of Bun or Node 20, or to nothing. They try it in `/`: Bun runs what a bunfig.toml of the current
 * directory names, such as one of a repository, and takes variables from its .env.
 */
export const FIND_RUNTIME = `runtime=
for candidate in bun node ${PLACES.join(" ")}; do
  candidate=$(command -v "$candidate" 2>/dev/null) || continue
  if (cd / && "$candidate" -e '${IS_USABLE}') >/dev/null 2>&1; then
    runtime=$candidate
    break
  fi
done`;

export const NO_RUNTIME =
  "Wharf needs Bun, or Node 20 or newer, and found neither. Install one (https://nodejs.org, https://bun.sh), then run this again.";
