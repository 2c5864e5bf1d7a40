import { expect, test } from "bun:test";
import { planService } from "../service-files.ts";

const options = {
  home: "/home/ada",
  configHome: "/home/ada/.config",
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

test("other systems have no service", () => {
  expect(planService({ ...options, platform: "win32" })).toBeNull();
});
