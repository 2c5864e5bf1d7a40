import { join } from "node:path";

export type ServicePlan = {
  /** The file that describes the service to the system. */
  file: string;
  content: string;
  /** Commands that start it, and that stop it for good. */
  start: string[][];
  stop: string[][];
  /** Prints its process number, and its last lines. */
  show: string[];
  log: string[];
};

export type ServiceOptions = {
  platform: string;
  home: string;
  /** `~/.config`, or XDG_CONFIG_HOME. */
  configHome: string;
  /** The command with its words. */
  command: readonly string[];
  /** For launchd; systemd has a journal. */
  logFile: string;
};

const UNIT = "wharf-sender.service";
const LABEL = "dev.wharf.sender";
const LOG_LINES = 10;

/** The sender as a service of this user: of systemd on Linux, of launchd on macOS. Null elsewhere. */
export function planService(options: ServiceOptions): ServicePlan | null {
  const { platform, home, configHome, command, logFile } = options;
  if (platform === "linux") {
    return {
      file: join(configHome, "systemd/user", UNIT),
      content: unitText(command),
      start: [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "--now", UNIT],
      ],
      stop: [["systemctl", "--user", "disable", "--now", UNIT]],
      show: ["systemctl", "--user", "show", "--property=MainPID", UNIT],
      log: ["journalctl", "--user", `--unit=${UNIT}`, `--lines=${LOG_LINES}`, "--no-pager", "--quiet"],
    };
  }
  if (platform !== "darwin") return null;
  const file = join(home, "Library/LaunchAgents", `${LABEL}.plist`);
  return {
    file,
    content: propertyList(command, logFile),
    start: [["launchctl", "load", "-w", file]],
    stop: [["launchctl", "unload", "-w", file]],
    show: ["launchctl", "list", LABEL],
    log: ["tail", "-n", String(LOG_LINES), logFile],
  };
}

function unitText(command: readonly string[]): string {
  return `[Unit]
Description=Sends sessions of coding agents to a Wharf hub

[Service]
ExecStart=${command.map(unitWord).join(" ")}
Restart=always
RestartSec=10
Nice=10

[Install]
WantedBy=default.target
`;
}

/** systemd expands % and $ also within quotes. */
function unitWord(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

function propertyList(command: readonly string[], logFile: string): string {
  const words = command.map((word) => `    <string>${escapeXml(word)}</string>`).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>StandardErrorPath</key>
  <string>${escapeXml(logFile)}</string>
  <key>LowPriorityIO</key>
  <true/>
</dict>
</plist>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
