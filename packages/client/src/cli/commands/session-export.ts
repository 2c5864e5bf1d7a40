import { CliError, EXIT } from "../cli-error.ts";

const FORMATS = { json: "json", md: "markdown", markdown: "markdown", tar: "tar" } as const;

/** Writes an export to standard output. Throws CliError for an unknown format. */
export async function writeExport(
  named: string,
  read: (format: (typeof FORMATS)[keyof typeof FORMATS]) => Promise<Response>,
): Promise<void> {
  const format = Object.hasOwn(FORMATS, named) ? FORMATS[named as keyof typeof FORMATS] : null;
  if (format === null)
    throw new CliError(`"${named}" is no format. Use json, md or tar.`, EXIT.usage, "FORMAT_UNKNOWN");
  const { body } = await read(format);
  if (body === null) return;
  for await (const chunk of body) await new Promise((resolve) => process.stdout.write(chunk, resolve));
}
