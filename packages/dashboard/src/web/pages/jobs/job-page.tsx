import type { JobDetail, JobLogLine } from "@wharf/protocol";
import { attemptText } from "@wharf/protocol/state-words";
import type { ComponentChildren, JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import type { Change } from "../../app/live.ts";
import type { PageProps } from "../../app/pages.ts";
import { href } from "../../app/router.ts";
import { act } from "../../app/toasts.tsx";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { useReload } from "../../app/use-reload.ts";
import { counted } from "../../format/numbers.ts";
import { durationText, instantText } from "../../format/times.ts";
import { Age, Facts, PageHead } from "../../ui/parts.tsx";
import { sessionHref } from "../../ui/session-parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { isEnded, JobBadge, progressText } from "./job-parts.tsx";

/** No change is told of what a running job writes into its log. */
const RUNNING_MS = 3_000;
const LINES_MAX = 1_000;

/** One job: why it waits, its attempts, steps, log and values. */
export function JobPage({ params: { id = "" } }: PageProps): JSX.Element {
  const job = useQuery(`job ${id}`, () => hub.jobs.get(id));
  const log = useQuery(`job-log ${id}`, async () =>
    canChange() ? (await hub.jobs.log(id, { limit: LINES_MAX })).log : null,
  );
  // A change of many jobs has no ids.
  const concerns = ({ ids }: Change) => ids.length === 0 || ids.includes(id);
  useLiveReload(["job"], job, { concerns });
  useLiveReload(["job"], log, { concerns });
  const isRunning = job.data?.state === "running";
  useReload(job, RUNNING_MS, isRunning);
  useReload(log, RUNNING_MS, isRunning);
  return (
    <>
      <Loaded query={job}>{(found) => <JobView job={found} onChange={job.reload} />}</Loaded>
      <h2>Log</h2>
      {canChange() ? (
        <Loaded query={log} rows={3}>
          {(lines) => <Log lines={lines ?? []} />}
        </Loaded>
      ) : (
        <p class="faint">Input, output and log are shown to admin keys only: they may hold anything.</p>
      )}
    </>
  );
}

function Log({ lines }: { lines: readonly JobLogLine[] }): JSX.Element {
  if (lines.length === 0) return <p class="faint">The job has written no line.</p>;
  return (
    <ol class="log">
      {lines.map(({ line, level, message, fields, logged_at }) => (
        <li key={line} class={level}>
          <time dateTime={logged_at}>{instantText(logged_at)}</time> {message}{" "}
          {fields !== null && <code>{JSON.stringify(fields)}</code>}
        </li>
      ))}
    </ol>
  );
}

function JobView({ job, onChange }: { job: JobDetail; onChange: () => void }): JSX.Element {
  return (
    <>
      <PageHead
        title={job.type}
        badge={<JobBadge state={job.state} />}
        note={
          <>
            Job {job.id} in queue <a href={href("/jobs", { queue: job.queue })}>{job.queue}</a>, enqueued{" "}
            <Age at={job.created_at} />, changed <Age at={job.updated_at} />
          </>
        }
      >
        <Actions job={job} onChange={onChange} />
      </PageHead>
      {job.waiting !== null && (
        <p class="note">
          <strong>Why it does not run:</strong> {job.waiting.detail}{" "}
          {job.waiting.job_id !== null && (
            <a href={`/jobs/${job.waiting.job_id}`}>Job {job.waiting.job_id}</a>
          )}
        </p>
      )}
      {job.last_error !== null && <pre class="note error wrapped">{job.last_error}</pre>}
      <div class="columns">
        <section class="card">
          <h2>Attempts</h2>
          <Attempts job={job} />
        </section>
        {job.steps.length > 0 && (
          <section class="card">
            <h2>Steps</h2>
            <Steps job={job} />
          </section>
        )}
        <section class="card">
          <h2>Facts</h2>
          <Facts facts={factsOf(job)} />
        </section>
      </div>
      <Value name="Input" value={job.payload} />
      <Value name="Output" value={job.output} />
    </>
  );
}

function Actions({ job, onChange }: { job: JobDetail; onChange: () => void }): JSX.Element | null {
  if (!canChange() || job.state === "completed") return null;
  async function run(action: () => Promise<unknown>, done: string): Promise<void> {
    if (await act(action, done)) onChange();
  }
  return isEnded(job) ? (
    <button
      type="button"
      class="primary"
      onClick={() => void run(() => hub.jobs.retry(job.id), "The job runs again.")}
    >
      Retry
    </button>
  ) : (
    <button
      type="button"
      class="danger"
      onClick={() => void run(() => hub.jobs.cancel(job.id), "The job is cancelled.")}
    >
      Cancel
    </button>
  );
}

function factsOf(job: JobDetail): (readonly [string, ComponentChildren])[] {
  const { state, run_at, progress, timeout_ms, priority, recoveries } = job;
  const sessionId = sessionIdOf(job.payload);
  return [
    ["Failed", `${job.attempts} of ${counted(job.max_attempts, "attempt")}`],
    ["Due", state === "scheduled" && run_at !== null ? instantText(run_at) : null],
    ["Session", sessionId === null ? null : <a href={sessionHref(sessionId)}>{sessionId}</a>],
    ["Progress", progress === null ? null : progressText(progress)],
    ["Concurrency key", job.concurrency_key === sessionId ? null : job.concurrency_key],
    ["Idempotency key", job.idempotency_key],
    ["Worker", job.locked_by],
    ["Time limit", timeout_ms === null ? null : durationText(timeout_ms)],
    ["Priority", priority === 0 ? null : String(priority)],
    ["Lost leases", recoveries === 0 ? null : String(recoveries)],
  ];
}

function sessionIdOf(payload: unknown): string | null {
  const isOfSession = typeof payload === "object" && payload !== null && "session_id" in payload;
  return isOfSession && typeof payload.session_id === "string" ? payload.session_id : null;
}

function Attempts({ job }: { job: JobDetail }): JSX.Element {
  if (job.attempt_history.length === 0) return <p class="faint">It has not run yet.</p>;
  return (
    <ol class="plain">
      {job.attempt_history.map(({ attempt, lease_generation, started_at, ended_at, outcome, error }) => (
        <li key={lease_generation}>
          <strong>{attempt}.</strong> {attemptText(outcome)}{" "}
          <span class="faint">
            {instantText(started_at)}
            {ended_at !== null && `, ${durationText(Date.parse(ended_at) - Date.parse(started_at))}`}
          </span>
          {error !== null && <pre class="wrapped">{error}</pre>}
        </li>
      ))}
    </ol>
  );
}

function Steps({ job }: { job: JobDetail }): JSX.Element {
  return (
    <ol class="plain">
      {job.steps.map(({ name, kind, finished_at, wake_at, event }) => (
        <li key={name}>
          {finished_at === null ? "○" : "●"} {name}{" "}
          <span class="faint">
            {kind === "sleep" && wake_at !== null && `sleeps until ${instantText(wake_at)}`}
            {kind === "event" && event !== null && `waits for ${event.name} ${event.key}`}
            {finished_at !== null && instantText(finished_at)}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Only an admin key sees values. */
function Value({ name, value }: { name: string; value: unknown }): JSX.Element | null {
  if (value === undefined || value === null) return null;
  return (
    <details class="job-value">
      <summary>{name}</summary>
      <pre class="wrapped">{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}
