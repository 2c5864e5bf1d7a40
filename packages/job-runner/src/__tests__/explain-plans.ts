import postgres, { type Sql } from "postgres";

/** The plans with which the statement really ran, by auto_explain: once as a custom and once as a generic plan. */
export async function plansOf(url: string, statement: (sql: Sql) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  const sql = postgres(url, { max: 1, onnotice: (notice) => plans.push(notice["message"] ?? "") });
  try {
    await sql`LOAD 'auto_explain'`;
    await sql`SELECT set_config(name, value, false) FROM (VALUES ('auto_explain.log_min_duration', '0'),
      ('auto_explain.log_nested_statements', 'on'),
      ('client_min_messages', 'log')) AS setting (name, value)`;
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      await sql`SELECT set_config('plan_cache_mode', ${mode}, false)`;
      await statement(sql);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
  return plans.filter((plan) => plan.includes("jobs_") || plan.includes("job_")).join("\n");
}
