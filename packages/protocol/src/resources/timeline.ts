import { z } from "zod";
import { text, time } from "./fields.ts";
import { gitActivitySchema } from "./git-activity.ts";
import { sessionSchema } from "./session.ts";

export const timelineItemSchema = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("session"),
    session: sessionSchema,
    git_activity: z.array(gitActivitySchema),
  }),
  z.looseObject({
    type: z.literal("git_activity"),
    workspace_id: text,
    workspace_name: text,
    device_id: text,
    device_name: text,
    git_activity: z.array(gitActivitySchema),
    /** Sessions that any of it may belong to, by time and place alone. */
    possible_sessions: z.array(text),
    started_at: time,
  }),
]);
export type TimelineItem = z.infer<typeof timelineItemSchema>;
