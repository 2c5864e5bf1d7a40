import type { Prunable, Retention } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../app/hub.ts";
import { act } from "../app/toasts.tsx";
import { useQuery } from "../app/use-query.ts";
import { bytesText, counted } from "../format/numbers.ts";
import { instantText } from "../format/times.ts";
import { Dialog } from "./dialog.tsx";
import { Facts } from "./parts.tsx";
import { Loaded } from "./states.tsx";

/** The kinds of data, as the API names them and as people read them. */
export const KINDS = [
  ["raw_days", "Transcripts"],
  ["parsed_days", "Parsed texts"],
  ["events_days", "Events"],
] as const satisfies readonly (readonly [keyof Retention, string])[];
const DAYS_MAX = 36_525;
const JOB = "apply-retention";

export function keptText(days: number | null): string {
  return days === null ? "kept forever" : `deleted after ${counted(days, "day")}`;
}

/** Changes how long a repository keeps its data, after showing what that deletes. */
export function RetentionDialog({
  workspaceId,
  onSaved,
  onClose,
}: {
  workspaceId: string;
  onSaved: () => void;
  onClose: () => void;
}): JSX.Element {
  const current = useQuery(`retention ${workspaceId}`, () => hub.workspaces.retention(workspaceId));
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [given, setGiven] = useState<Retention | null>(null);

  async function readPreview(retention: Retention): Promise<void> {
    setGiven(retention);
    setError(null);
    try {
      setPreview(await previewOf(workspaceId, retention));
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    }
  }

  async function save({ retention }: Preview): Promise<void> {
    const put = () => hub.workspaces.putRetention(workspaceId, retention);
    if (!(await act(put, "The retention is saved."))) return;
    onSaved();
    onClose();
  }

  return (
    <Dialog title="Retention" onClose={onClose}>
      {preview === null ? (
        <Loaded query={current} rows={3}>
          {({ retention }) => (
            <DaysForm retention={given ?? retention} onSubmit={(days) => void readPreview(days)} />
          )}
        </Loaded>
      ) : (
        <PreviewView preview={preview} onBack={() => setPreview(null)} onConfirm={() => void save(preview)} />
      )}
      {error !== null && (
        <p class="note error" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}

function DaysForm({
  retention,
  onSubmit,
}: {
  retention: Retention;
  onSubmit: (retention: Retention) => void;
}): JSX.Element {
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(retentionOf(new FormData(event.currentTarget)));
      }}
    >
      <p>For how many days this repository keeps its data. An empty field is forever.</p>
      {KINDS.map(([name, text]) => (
        <label key={name}>
          {text}
          <input
            name={name}
            type="number"
            min="1"
            max={DAYS_MAX}
            step="1"
            placeholder="forever"
            value={retention[name] ?? ""}
          />
        </label>
      ))}
      <p class="faint">
        Sessions with their summaries and counts, responses with their costs, and git activity are always
        kept.
      </p>
      <button type="submit" class="primary">
        Show what this deletes
      </button>
    </form>
  );
}

function retentionOf(data: FormData): Retention {
  const daysOf = (name: keyof Retention) => {
    const text = String(data.get(name) ?? "").trim();
    return text === "" ? null : Number(text);
  };
  return {
    raw_days: daysOf("raw_days"),
    parsed_days: daysOf("parsed_days"),
    events_days: daysOf("events_days"),
  };
}

type Preview = { retention: Retention; deletes: Prunable; nextAt: string | null };

async function previewOf(workspaceId: string, retention: Retention): Promise<Preview> {
  const [{ deletes }, schedules] = await Promise.all([
    hub.workspaces.putRetention(workspaceId, retention, { isDryRun: true }),
    hub.jobs.schedules(),
  ]);
  const nothing: Prunable = { segments: 0, bytes: 0, sessions: 0, messages: 0, events: 0 };
  const nextAt = schedules.find(({ name }) => name === JOB)?.next_at ?? null;
  return { retention, deletes: deletes ?? nothing, nextAt };
}

function PreviewView({
  preview: { retention, deletes, nextAt },
  onBack,
  onConfirm,
}: {
  preview: Preview;
  onBack: () => void;
  onConfirm: () => void;
}): JSX.Element {
  const { segments, bytes, sessions, messages, events } = deletes;
  const due = {
    raw_days: segments > 0 && `${bytesText(bytes)} of transcripts, which cannot be parsed again`,
    parsed_days:
      messages > 0 &&
      `${counted(messages, "message")} of ${counted(sessions, "session")}, which can no longer be read`,
    events_days: events > 0 && counted(events, "event"),
  };
  const isDue = segments + messages + events > 0;
  const isLimited = KINDS.some(([name]) => retention[name] !== null);
  return (
    <>
      <Facts
        facts={KINDS.map(([name, text]) => [
          text,
          <>
            {keptText(retention[name])}
            {due[name] !== false && <strong class="removed"> now: {due[name]}</strong>}
          </>,
        ])}
      />
      {isLimited ? (
        <p>
          {isDue ? "The first deletion is" : "Nothing is old enough at present. The first look is"}{" "}
          {nextAt === null ? "within an hour" : `at ${instantText(nextAt)}`}, then one each hour.
          {events > 0 && " Events are deleted once they have been here for an hour."} What is deleted cannot
          be restored.
        </p>
      ) : (
        <p>Nothing is deleted by its age.</p>
      )}
      <footer>
        <button type="button" onClick={onBack}>
          Back
        </button>
        <button type="button" class={isDue ? "danger" : "primary"} onClick={onConfirm}>
          {isDue ? "Save and delete" : "Save"}
        </button>
      </footer>
    </>
  );
}
