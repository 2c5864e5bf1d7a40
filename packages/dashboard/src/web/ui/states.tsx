import { HubError } from "@wharf/client";
import type { ComponentChildren, JSX } from "preact";
import type { QueryState } from "../app/use-query.ts";
import { WithCode } from "./parts.tsx";

/** What an error says and what to do about it. */
export function ErrorNote({ error, onRetry }: { error: Error; onRetry?: () => void }): JSX.Element {
  const isAway = error instanceof HubError && error.isUnreachable;
  return (
    <div class="note error" role="alert">
      <p>
        <strong>{isAway ? "The hub does not respond." : "This could not be loaded."}</strong>{" "}
        <WithCode text={error.message} />
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Retry
        </button>
      )}
    </div>
  );
}

/** What is missing here and how it comes. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}

/** Grey lines in the place of rows that are being loaded. */
export function Skeleton({ rows = 6 }: { rows?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} />
      ))}
    </div>
  );
}

/** A query's content, or its loading or error state. What was read before stays under an error. */
export function Loaded<T>({
  query: { data, error, reload },
  rows,
  children,
}: {
  query: QueryState<T>;
  rows?: number;
  children: (data: T) => ComponentChildren;
}): JSX.Element {
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      {data !== null && children(data)}
      {data === null && error === null && <Skeleton {...(rows === undefined ? {} : { rows })} />}
    </>
  );
}
