import { run } from "./run.ts";

// Output goes to `head`, which has read enough: the rest is not needed.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
