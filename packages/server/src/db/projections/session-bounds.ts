import { METADATA_CHARACTERS_MAX, METADATA_KEYS_MAX, TAGS_MAX } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

/** The part of a session that a report would make too large. */
export type ExceededBound = "tags" | "metadata";

/** Set by events, which are never refused for them; their length is bounded (read-statements.ts). */
const KEYS_OF_EVENTS = ["cwd", "cc_version", "transcript_path"];

/** Whether the tags of session `s` and of `added` are within the bound. A session that is beyond it already may not grow. */
export function tagsFit(sql: Sql, added: Fragment): Fragment {
  return sql`
    cardinality(ARRAY(SELECT DISTINCT unnest(s.tags || ${added}.tags))) <= greatest(${TAGS_MAX}, cardinality(s.tags))`;
}

/** The same for the number of keys in metadata, and for its characters of JSON. */
export function metadataFits(sql: Sql, added: Fragment): Fragment {
  const known = sql`s.metadata - ${KEYS_OF_EVENTS}::text[]`;
  const both = sql`(s.metadata || ${added}.metadata) - ${KEYS_OF_EVENTS}::text[]`;
  const keys = (object: Fragment) => sql`(SELECT count(*) FROM jsonb_object_keys(${object}))`;
  return sql`
    ${keys(both)} <= greatest(${METADATA_KEYS_MAX}, ${keys(known)})
    AND length((${both})::text) <= greatest(${METADATA_CHARACTERS_MAX}, length((${known})::text))`;
}
