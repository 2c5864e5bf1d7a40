import type { Driver, PostgresClient } from "../contract/driver.ts";
import type { NewEvent, StoredEvent } from "../contract/durable-store.ts";
import { jsonOf } from "../contract/storable-json.ts";

/** An event; without a key it reaches waits without a key. */
export type EventToSend = Omit<NewEvent, "key" | "payload"> & {
  readonly key?: string;
  /** Any value that JSON can represent. */
  readonly payload: unknown;
};

/** Sends events and delivers them to waiting jobs. */
export type Events = {
  /**
   * Reaches all existing jobs that wait for an event of this name and key, now or later. Of events with the same name and id
   * only the first counts. With a transaction the event exists if and only if it commits. Throws JobOptionError for a name,
   * key or id that stores would change, and JobJsonError for such a payload.
   */
  sendEvent(event: EventToSend, call?: { readonly transaction?: PostgresClient }): Promise<StoredEvent>;
  /** Never rejects: the next call of any process delivers what failed here. */
  deliverEvents(): Promise<void>;
};

/** `wake` is called with each queue whose jobs became runnable. */
export function createEvents(
  driver: Driver,
  wake: (queue: string) => void,
  onDatabaseError: (operation: string, error: unknown) => void,
): Events {
  async function sendEvent(
    event: EventToSend,
    call: { transaction?: PostgresClient } = {},
  ): Promise<StoredEvent> {
    const payload = jsonOf(`The payload of event ${event.name}`, event.payload);
    const stored = await driver.storeEvent({ key: "", ...event, payload }, call);
    if (call.transaction === undefined) await deliverEvents();
    return stored;
  }

  async function deliverEvents(): Promise<void> {
    try {
      for (const queue of await driver.deliverEvents()) wake(queue);
    } catch (error) {
      onDatabaseError("deliverEvents", error);
    }
  }

  return { sendEvent, deliverEvents };
}
