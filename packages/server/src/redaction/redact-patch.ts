import type { SessionPatch } from "@wharf/protocol";
import type { Redaction } from "./create-redaction.ts";

/**
 * The change with markers in place of secrets, in every workspace. A tag to be removed is known by its marker. Throws
 * RedactionTimeError.
 */
export async function redactPatch(
  { texts }: Pick<Redaction, "texts">,
  { summary, tags, add_tags, remove_tags }: SessionPatch,
): Promise<SessionPatch> {
  const redact = await texts.open();
  const redactText = async (text: string) => (await redact(text))?.text ?? text;
  const redactAll = async (names: readonly string[]) => await Promise.all(names.map(redactText));
  return {
    ...(tags === undefined ? {} : { tags: await redactAll(tags) }),
    ...(add_tags === undefined ? {} : { add_tags: await redactAll(add_tags) }),
    ...(remove_tags === undefined ? {} : { remove_tags: await redactAll(remove_tags) }),
    ...(summary == null ? { summary } : { summary: await redactText(summary) }),
  };
}
