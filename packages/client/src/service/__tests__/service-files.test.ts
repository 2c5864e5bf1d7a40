import { expect, test } from "bun:test";
import { planService } from "../service-files.ts";
import { readPid } from "../service-state.ts";

const options = {
  home: "/home/ada",
  configHome: "/home/ada/.config",
  logFile: "/home/ada/wharf/service.log",
  command: ['/a "b" $c%d/wharf', "send", "--stay"],
};

test("a service of systemd runs exactly the command", () => {
  const plan = planService({ ...options, platform: "linux" });
  expect(plan?.file).toBe("/home/ada/.config/systemd/user/wharf-sender.service");
  expect(plan?.content).toContain('\nExecStart="/a \\"b\\" $$c%%d/wharf" "send" "--stay"\n');
  expect(plan?.start.at(-1)).toEqual(["systemctl", "--user", "enable", "--now", "wharf-sender.service"]);
});

test("a service of launchd runs exactly the command", () => {
  const plan = planService({ ...options, platform: "darwin", command: ["/a&b/<wharf>", "send"] });
  expect(plan?.file).toBe("/home/ada/Library/LaunchAgents/dev.wharf.sender.plist");
  expect(plan?.content).toContain("    <string>/a&amp;b/&lt;wharf&gt;</string>\n    <string>send</string>\n");
});

test("the process number is read from what systemd and launchd print", () => {
  expect(readPid("MainPID=4711\n")).toBe(4711);
  expect(readPid("MainPID=0\n")).toBeNull();
  expect(readPid('{\n\t"LastExitStatus" = 0;\n\t"PID" = 512;\n};\n')).toBe(512);
  expect(readPid('{\n\t"LastExitStatus" = 256;\n};\n')).toBeNull();
});

test("other systems have no service", () => {
  expect(planService({ ...options, platform: "win32" })).toBeNull();
});
