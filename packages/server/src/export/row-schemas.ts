import {
  blueprintCreateSchema,
  describeIssue,
  putPriceSchema,
  retentionSchema,
  sessionPatchSchema,
  sessionReportSchema,
  tagsSchema,
} from "@wharf/protocol";
import { MARKERS } from "@wharf/redaction";
import { z } from "zod";
import { TITLE_CHARACTERS_MAX } from "../transcripts/describe-session.ts";

const { end_reason, git_branch, model, agent, source, initial_prompt } = sessionReportSchema.shape;
const stated = { end_reason, git_branch, model, agent, source, initial_prompt };
const { name, detected_from } = blueprintCreateSchema.shape;
const price = putPriceSchema.shape;

/** Columns whose values the API bounds. */
const ROW_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  sessions: z.looseObject({
    ...stated,
    title: z.string().max(TITLE_CHARACTERS_MAX).nullish(),
    summary: sessionPatchSchema.shape.summary,
    tags: tagsSchema.optional(),
  }),
  session_reports: z.looseObject(stated),
  workspace_retention: z.looseObject(retentionSchema.partial().shape),
  blueprints: z.looseObject({ name, detected_from }),
  prices: z.looseObject({ model: price.model, provider: price.provider, aliases: price.aliases }),
};

/** Code points, of which JavaScript counts two units. */
const PAIRS = /[\u{10000}-\u{10FFFF}]/gu;

/** What the API would refuse of a row, in words; null: nothing. */
export function flawOfColumns(table: string, row: Readonly<Record<string, unknown>>): string | null {
  const schema = ROW_SCHEMAS[table];
  if (schema === undefined) return null;
  const measured = Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, asMeasured(value)]),
  );
  const issue = schema.safeParse(measured).error?.issues[0];
  if (issue === undefined) return null;
  const { pointer, detail } = describeIssue(issue, measured);
  return `${detail} in ${pointer.slice(1)}`;
}

/** Postgres cuts texts by code points, and a marker may be longer than the secret that it replaced after the API had measured the text. */
function asMeasured(value: unknown): unknown {
  return typeof value === "string" ? value.replaceAll(MARKERS, "").replaceAll(PAIRS, "x") : value;
}
