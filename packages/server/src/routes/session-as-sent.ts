import { type Session, type SessionReport, sessionSchema } from "@wharf/protocol";

/**
 * The session as a key that may not read sees it: values, tags and metadata that differ from those of its report are left out.
 */
export function sessionAsSent(session: Session, sent: SessionReport): Session {
  const values: Record<string, unknown> = session;
  const sentValues: Record<string, unknown> = sent;
  const shown = Object.entries(sessionSchema.shape).map(([key, schema]) => {
    const isShown = !schema.safeParse(null).success || isSame(key, values[key], sentValues[key]);
    return [key, isShown ? values[key] : null];
  });
  const metadata: Record<string, unknown> = { ...sent.metadata, cwd: sent.cwd };
  return sessionSchema.parse({
    ...Object.fromEntries(shown),
    tags: session.tags.filter((tag) => sent.tags?.includes(tag)),
    metadata: Object.fromEntries(
      Object.entries(session.metadata).filter(([key, value]) => Bun.deepEquals(value, metadata[key])),
    ),
  });
}

function isSame(key: string, value: unknown, sent: unknown): boolean {
  if (key !== "ended_at") return value === sent;
  return typeof value === "string" && typeof sent === "string" && Date.parse(value) === Date.parse(sent);
}
