import { DEMO_DEVICE_IDS } from "@wharf/protocol/demo-devices";
import type { DemoDevice, DemoRepository, DemoStep } from "./session.ts";

export const DEVICES: readonly [DemoDevice, ...DemoDevice[]] = [
  { id: DEMO_DEVICE_IDS.laptop, name: "Demo laptop", home: "/Users/ada" },
  { id: DEMO_DEVICE_IDS.desktop, name: "Demo desktop", home: "/home/ada" },
  { id: DEMO_DEVICE_IDS.server, name: "Demo build server", home: "/srv" },
];

/** What someone asks for in a repository. `{part}` in its texts is one of the project's parts. */
export type Story = {
  prompt: string;
  answer: string;
  follow_up: string;
  follow_up_answer: string;
  commit: string;
  steps: readonly DemoStep[];
};

export type Project = {
  repository: DemoRepository;
  parts: readonly [string, ...string[]];
  stories: readonly [Story, ...Story[]];
};

const run = (command: string, output: string, exit_code = 0): DemoStep => ({
  tool: "run",
  command,
  output,
  exit_code,
});
const read = (path: string, text: string): DemoStep => ({ tool: "read", path, text });
const edit = (path: string, before: string, after: string): DemoStep => ({
  tool: "edit",
  path,
  before,
  after,
});

const SHOP: Project = {
  repository: { remote: "https://github.com/demo-garden/shop.git", folder: "shop", branch: "main" },
  parts: ["seeds", "bulbs", "tools", "subscriptions", "gift cards", "workshops"],
  stories: [
    {
      prompt:
        "Some customers are charged twice for {part} when the connection drops. Find out why and fix it.",
      follow_up: "Also cover the case in which the first request was stored but never answered.",
      follow_up_answer:
        "A test stores the first request, cuts the connection, and repeats it: one order, one charge.",
      answer:
        "The client repeats `POST /orders` after a timeout, and each request made a new order of {part}. Orders now carry an idempotency key: a repeated request answers with the first order.\n\n- `{part}.ts` stores the key with the order, with a unique index.\n- The client sends the same key for each retry.",
      commit: "Answer repeated orders of {part} with the first one",
      steps: [
        run(
          "rg -n 'createOrder' src",
          "src/{part}.ts:14:export async function createOrder(cart: Cart) {\nsrc/api.ts:88:  const order = await createOrder(cart);\n",
        ),
        read(
          "src/{part}.ts",
          "export async function createOrder(cart: Cart) {\n  const order = await db.insert(orders, cart);\n  await charge(order);\n  return order;\n}\n",
        ),
        edit(
          "src/{part}.ts",
          "  const order = await db.insert(orders, cart);\n",
          "  const known = await db.findByKey(key);\n  if (known) return known;\n  const order = await db.insert(orders, { ...cart, key });\n",
        ),
        run(
          "bun test src/{part}.test.ts",
          "bun test v1.4.5\n\nsrc/{part}.test.ts:\n(pass) a repeated order is charged once [12.40ms]\n\n 14 pass\n 0 fail\nRan 14 tests across 1 file. [231.00ms]\n",
        ),
      ],
    },
    {
      prompt: "The pages of {part} load in 3 seconds. Make them load in less than one.",
      follow_up: "Show me the query plan before and after.",
      follow_up_answer:
        "Before: a nested loop over 41 index scans. After: one hash join of reviews and users, 1.9 ms.",
      answer:
        "Most of the time was one query for each review's author. They are read by one join now: 41 queries became 2, and the page answers in 320 ms.",
      commit: "Read the reviews of {part} by one query",
      steps: [
        read(
          "src/{part}-page.ts",
          "for (const review of reviews) review.author = await findUser(review.author_id);\n",
        ),
        run("bun run profile /{part}/41", "queries 41  database 2,480 ms  render 190 ms\n"),
        edit(
          "src/{part}-page.ts",
          "for (const review of reviews) review.author = await findUser(review.author_id);\n",
          "const reviews = await db.reviewsWithAuthors(product.id);\n",
        ),
        run("bun run profile /{part}/41", "queries 2  database 118 ms  render 195 ms\n"),
      ],
    },
    {
      prompt: "Add discount codes for {part} to the cart. Codes have an expiry date and a limit of uses.",
      follow_up: "An expired code should say when it expired.",
      follow_up_answer: "The message names the day now: `This code expired on 1 November.`",
      answer:
        "The cart takes a code and shows the reduced price. Codes are checked when the order is placed, too: one that ran out meanwhile is refused with its reason.",
      commit: "Take discount codes for {part}",
      steps: [
        read("src/cart.ts", "export function totalOf(cart: Cart): number {\n  return sum(cart.items);\n}\n"),
        edit(
          "src/cart.ts",
          "  return sum(cart.items);\n",
          "  return applyDiscount(sum(cart.items), cart.code);\n",
        ),
        run("bun test", "bun test v1.4.5\n\n 201 pass\n 3 fail\nRan 204 tests across 31 files. [4.10s]\n", 1),
        edit(
          "src/{part}-discount.ts",
          "  return price * code.rate;\n",
          "  return Math.max(0, price - Math.round(price * code.rate));\n",
        ),
        run("bun test", "bun test v1.4.5\n\n 204 pass\n 0 fail\nRan 204 tests across 31 files. [4.05s]\n"),
      ],
    },
  ],
};

const FIRMWARE: Project = {
  repository: { remote: "git@github.com:demo-garden/greenhouse.git", folder: "greenhouse", branch: "main" },
  parts: ["humidity", "soil", "light", "wind", "water"],
  stories: [
    {
      prompt: "The {part} sensor reports 0 about once an hour. Is that the driver or the hardware?",
      follow_up: "Log the raw bytes when the checksum is wrong.",
      follow_up_answer: "A wrong checksum logs the six bytes in hexadecimal, at most once a minute.",
      answer:
        "It is the driver: it reads the sensor 40 ms after power-up, and the data sheet asks for 80 ms. The first reading after each sleep was therefore empty. It waits for the ready bit now.",
      commit: "Wait for the ready bit of the {part} sensor",
      steps: [
        read("src/{part}.c", "void sht31_start(void) {\n  power_on();\n  delay_ms(40);\n}\n"),
        edit("src/{part}.c", "  delay_ms(40);\n", "  while (!(sht31_status() & READY)) delay_ms(5);\n"),
        run("make test", "cc -Wall -Werror -o test src/*.c\n./test\n26 passing (41ms)\n"),
      ],
    },
    {
      prompt:
        "Reduce the power that the {part} board uses at night. The battery should last a week without sun.",
      follow_up: "How much does the radio use of that?",
      follow_up_answer: "0.4 of the 0.9 mA, down from 3.2 of 4.1.",
      answer:
        "The radio woke up each second to listen. It listens for 50 ms in each 10 s now, and the display is off between 22:00 and 5:00: 4.1 mA became 0.9 mA, which is 11 days.",
      commit: "Listen with the {part} board's radio once in ten seconds",
      steps: [
        run("python3 tools/power.py --night", "radio 3.2 mA  display 0.6 mA  cpu 0.3 mA  total 4.1 mA\n"),
        edit("src/{part}-radio.c", "#define LISTEN_EVERY_MS 1000\n", "#define LISTEN_EVERY_MS 10000\n"),
        edit(
          "src/display.c",
          "void display_tick(void) {\n",
          "void display_tick(void) {\n  if (is_night()) return display_off();\n",
        ),
        run("python3 tools/power.py --night", "radio 0.4 mA  display 0.2 mA  cpu 0.3 mA  total 0.9 mA\n"),
      ],
    },
  ],
};

const INFRA: Project = {
  repository: {
    remote: "ssh://git@git.example.com:2222/demo-garden/infra.git",
    folder: "infra",
    branch: "main",
  },
  parts: ["shop", "staging", "reports", "mail", "search"],
  stories: [
    {
      prompt: "Deployments of {part} take 14 minutes. Where does the time go?",
      follow_up: "Cache the layers between runs.",
      follow_up_answer:
        "The workflow keeps the layers in the registry: the second run took 1 minute and 50 seconds.",
      answer:
        "Eleven of the 14 minutes build the image without a cache, because the version file is copied before the dependencies. In the other order the layer of the dependencies is cached: 3 minutes and 20 seconds.",
      commit: "Copy dependencies of {part} before the version file",
      steps: [
        run(
          "gh run view --log | tail -40",
          "#12 bun install  312 s\n#14 bun run build  288 s\n#18 push  71 s\n",
        ),
        read("{part}/Dockerfile", "FROM oven/bun:1.4\nCOPY . .\nRUN bun install\n"),
        edit(
          "{part}/Dockerfile",
          "COPY . .\nRUN bun install\n",
          "COPY package.json bun.lock ./\nRUN bun install\nCOPY . .\n",
        ),
        run(
          "docker build -t shop .",
          "[+] Building 48.2s (11/11) FINISHED\n => CACHED [2/5] RUN bun install\n",
        ),
      ],
    },
    {
      prompt: "Rotate the keys of the {part} database and check that nothing still uses the old ones.",
      follow_up: "Write the steps into the runbook.",
      follow_up_answer:
        "The runbook has them in the order in which they were done, with the command for each.",
      answer:
        "Both services read the new key, and the old one is revoked. The staging log had no refused connection in the last ten minutes. The runbook has the five steps.",
      commit: "Describe the rotation of {part} database keys",
      steps: [
        run("printenv | grep DATABASE", "DATABASE_PASSWORD={secret}\nDATABASE_HOST=staging-db.internal\n"),
        run("kubectl rollout status deployment/api", 'deployment "api" successfully rolled out\n'),
        edit(
          "{part}/runbook.md",
          "## Keys\n",
          "## Keys\n\n1. Create the new key.\n2. Restart the services one by one.\n3. Look for refused connections.\n4. Revoke the old key.\n5. Note the date here.\n",
        ),
      ],
    },
  ],
};

export const PROJECTS: readonly [Project, ...Project[]] = [SHOP, FIRMWARE, INFRA];
