import type { Fragment, Sql } from "../postgres.ts";

/** What `stored` skill.invoke events do to session_skills: one row each. */
export function sessionSkillRows(sql: Sql): Fragment {
  return sql`
    skill_rows AS (
      INSERT INTO session_skills (id, session_id, skill_name, invoked_at, invoked_by, args)
      SELECT id, session_id, data ->> 'skill_name', timestamp, data ->> 'invoked_by', data ->> 'args'
      FROM stored WHERE type = 'skill.invoke' AND session_id IS NOT NULL
      ORDER BY id
      ON CONFLICT (id) DO NOTHING
    )`;
}
