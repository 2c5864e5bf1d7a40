import type { PostgresClient } from "../../../contract/driver.ts";
import type { NewEvent } from "../../../contract/durable-store.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";

export const EVENT_CHANNEL = "job_runner_event";

/** Stores an event, once for each name and idempotency key. With `notify`, its commit notifies the runners to deliver it. */
export function storeEvent(
  sql: PostgresClient,
  event: NewEvent,
  options: { readonly notify: boolean; readonly now: Instant | undefined },
): Query<
  {
    id: string;
    existed: boolean;
  }[]
> {
  const at = options.now === undefined ? null : instantText(options.now);
  return sql<{ id: string; existed: boolean }[]>`
    WITH new AS MATERIALIZED (SELECT nextval('job_events_id_seq') AS id),
    stored AS (
      INSERT INTO job_events AS known (id, name, key, idempotency_key, payload, created_at)
      OVERRIDING SYSTEM VALUE
      SELECT id, ${event.name}, ${event.key}, ${event.id ?? null}, ${event.payload}::text::jsonb,
        COALESCE(${at}::text::timestamptz, clock_timestamp())
      FROM new
      ON CONFLICT (name, idempotency_key) WHERE idempotency_key IS NOT NULL DO UPDATE SET name = known.name
      RETURNING id
    )
    SELECT stored.id, stored.id <> new.id AS existed
      ${options.notify ? sql`, pg_notify(${EVENT_CHANNEL}, '') AS hint` : sql``}
    FROM stored, new`;
}
