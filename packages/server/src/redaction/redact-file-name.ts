import { TRANSCRIPT_FILE_BYTES_MAX } from "@wharf/protocol";
import type { Redaction } from "./create-redaction.ts";

/**
 * The name under which a transcript file is kept: with markers in place of secrets, in every workspace. The same name always becomes the
 * same one.
 */
export async function redactFileName({ texts }: Pick<Redaction, "texts">, file: string): Promise<string> {
  const redact = await texts.open();
  const redacted = (await redact(file))?.text ?? file;
  return new TextDecoder().decode(new TextEncoder().encode(redacted).subarray(0, TRANSCRIPT_FILE_BYTES_MAX));
}
