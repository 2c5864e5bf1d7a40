import { FIND_RUNTIME, NO_RUNTIME, quoted } from "./shell.ts";

export type InstallScript = {
  /** Of the hub, as this machine reaches it. */
  url: string;
  sha256: string;
};

/**
 * `/install.sh`: downloads the client, compares its checksum, and hands over to `wharf.js install`. All of it is one function that the
 * last line calls, so that a download which ends early runs nothing.
 */
export function installScript({ url, sha256 }: InstallScript): string {
  return `#!/bin/sh
# Installs the wharf command for this user, and connects this machine to ${url}.
# Usage: curl -fsS ${url}/install.sh | sh -s -- CODE [--name NAME] [--no-hooks] [--dry-run] [--insecure-http]
set -eu

install_wharf() {
  hub=${quoted(url)}
  checksum=${quoted(sha256)}
${indented(FIND_RUNTIME)}
  if [ -z "$runtime" ]; then
    echo ${quoted(NO_RUNTIME)} >&2
    exit 1
  fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 1' HUP INT TERM
  program=$folder/wharf.js
  cd /
  if command -v curl >/dev/null 2>&1; then curl -fsS "$hub/client/wharf.js" -o "$program"
  elif command -v wget >/dev/null 2>&1; then wget -q "$hub/client/wharf.js" -O "$program"
  else echo 'Wharf needs curl or wget to download its client. Install one, then run this again.' >&2; exit 1
  fi
  found=$("$runtime" -e 'console.log(require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex"))' "$program")
  if [ "$found" != "$checksum" ]; then
    echo "The download from $hub is damaged (checksum $found, expected $checksum). Nothing was installed. Run this again." >&2
    exit 1
  fi
  "$runtime" "$program" install --hub "$hub" --runtime "$runtime" "$@"
}

install_wharf "$@"
`;
}

function indented(lines: string): string {
  return lines.replaceAll(/^/gm, "  ");
}
