import type { Database } from "bun:sqlite";
import type { NewEvent, StoredEvent } from "../../contract/durable-store.ts";
import { one } from "../../contract/one.ts";
import type { Bindings } from "./bindings.ts";

const DELIVERY_BATCH = 500;

type Wait = {
  readonly job_id: string;
  readonly name: string;
};

export type Delivery = {
  /** Queues of the woken jobs. */
  readonly queues: readonly string[];
  /** Call again. */
  readonly more: boolean;
};

const NOT_RECEIVED = `NOT EXISTS (
  SELECT 1 FROM job_steps AS received WHERE received.job_id = wait.job_id AND received.event_id = event.id)`;

export type Events = {
  store({ name, key, payload, id }: NewEvent, now: bigint): StoredEvent;
  deliver(now: bigint): Delivery;
  deliverTo(jobId: string, now: bigint): void;
};

/** Events, and the waits that they end. */
export function createEvents(db: Database): Events {
  const known = db.prepare<{ id: string }, Bindings>(`
    SELECT CAST(id AS TEXT) AS id FROM job_events WHERE name = $name AND idempotency_key = $id`);
  const insert = db.prepare<{ id: string }, Bindings>(`
    INSERT INTO job_events (name, key, idempotency_key, payload, created_at)
    VALUES ($name, $key, $id, $payload, $now) RETURNING CAST(id AS TEXT) AS id`);
  const matchWait = createMatchWait(db);
  const fresh = createFresh(db);
  const openWaits = db.prepare<Wait, Bindings>(`
    SELECT CAST(job_id AS TEXT) AS job_id, name FROM job_steps
    WHERE job_id = $jobId AND kind = 'event' AND finished_at IS NULL ORDER BY name`);
  const wake = db.prepare<{ queue: string }, Bindings>(`
    UPDATE jobs SET run_at = $now, updated_at = $now WHERE id = $jobId AND status = 'queued' RETURNING queue`);

  function store({ name, key, payload, id }: NewEvent, now: bigint): StoredEvent {
    const existing = id === undefined ? null : known.get({ name, id });
    if (existing !== null) return { id: existing.id, existed: true };
    const row = one(insert.all({ name, key, id: id ?? null, payload, now }));
    return { id: row.id, existed: false };
  }

  /** Ends a batch of waits with their events and wakes their jobs. */
  function deliver(now: bigint): Delivery {
    const queues = new Set<string>();
    const { waits, more } = fresh.waits();
    for (const wait of waits.sort(inOrder)) {
      const woken = matchWait(wait, now) ? wake.get({ jobId: wait.job_id, now }) : null;
      if (woken !== null) queues.add(woken.queue);
    }
    if (!more) fresh.compared();
    return { queues: [...queues], more };
  }

  /** Ends the waits of one running job with their events. */
  function deliverTo(jobId: string, now: bigint): void {
    for (const wait of openWaits.all({ jobId })) matchWait(wait, now);
  }

  return { store, deliver, deliverTo };
}

/** Ends a wait with the oldest event that it may receive; true if there is one. */
function createMatchWait(db: Database) {
  const eventFor = db.prepare<{ id: number; payload: string }, Bindings>(`
    SELECT event.id, event.payload FROM job_steps AS wait CROSS JOIN job_events AS event
    WHERE wait.job_id = $job_id AND wait.name = $name AND wait.finished_at IS NULL AND event.name = wait.event_name
      AND event.key = wait.event_key AND event.created_at >= wait.job_created_at AND ${NOT_RECEIVED}
    ORDER BY event.created_at, event.id LIMIT 1`);
  const finish = db.prepare<unknown, Bindings>(`
    UPDATE job_steps SET finished_at = $now, event_id = $eventId, output = $payload, needs_match = 0
    WHERE job_id = $job_id AND name = $name`);
  const compared = db.prepare<unknown, Bindings>(`
    UPDATE job_steps SET needs_match = 0 WHERE job_id = $job_id AND name = $name AND needs_match = 1`);

  return function matchWait({ job_id, name }: Wait, now: bigint): boolean {
    const event = eventFor.get({ job_id, name });
    if (event === null) compared.run({ job_id, name });
    else finish.run({ job_id, name, now, eventId: event.id, payload: event.payload });
    return event !== null;
  };
}

/** Waits that were not compared yet, and waits for events that were not compared yet. */
function createFresh(db: Database) {
  const freshWaits = db.prepare<Wait, Bindings>(`
    SELECT CAST(job_id AS TEXT) AS job_id, name FROM job_steps WHERE needs_match = 1 LIMIT ${DELIVERY_BATCH}`);
  const waitsForFreshEvents = db.prepare<Wait, Bindings>(`
    SELECT DISTINCT CAST(wait.job_id AS TEXT) AS job_id, wait.name FROM job_events AS event CROSS JOIN job_steps AS wait
    WHERE event.needs_match = 1 AND wait.kind = 'event' AND wait.finished_at IS NULL AND wait.event_name = event.name
      AND wait.event_key = event.key AND event.created_at >= wait.job_created_at AND ${NOT_RECEIVED}
    LIMIT ${DELIVERY_BATCH}`);
  const eventsCompared = db.prepare("UPDATE job_events SET needs_match = 0 WHERE needs_match = 1");

  function waits(): { waits: Wait[]; more: boolean } {
    const fresh = freshWaits.all({});
    const reached = waitsForFreshEvents.all({});
    const more = fresh.length === DELIVERY_BATCH || reached.length === DELIVERY_BATCH;
    return { waits: [...fresh, ...reached], more };
  }

  return { waits, compared: () => eventsCompared.run() };
}

/** Of several waits of a job for the same event, the first by name receives the first event. */
function inOrder(left: Wait, right: Wait): number {
  if (left.job_id !== right.job_id) return left.job_id < right.job_id ? -1 : 1;
  return left.name < right.name ? -1 : 1;
}
