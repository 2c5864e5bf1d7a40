import type { GitMatchGrade, SessionDetail, SessionGitActivity } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { setQuery } from "../../app/router.ts";
import { type QueryState, useQuery } from "../../app/use-query.ts";
import { countText } from "../../format/numbers.ts";
import { CommitHash, GradeBadge } from "../../ui/git-line.tsx";
import { Age, Badge } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { LineCounts, useSessionFiles } from "./changes.tsx";
import { Fold } from "./fold.tsx";

const FILES_SHOWN = 12;
const COMMANDS_SHOWN = 5;
const REASONS: Readonly<Record<GitMatchGrade, string>> = {
  exact: "The event named this session, or a call of it made the commit.",
  evidence: "The session wrote a file that the commit changes, before it.",
  possible: "Time and place alone.",
};

/** Files, commits, commands, jobs and events of a session. */
export function SessionLists({
  session,
  commits,
}: {
  session: SessionDetail;
  commits: QueryState<readonly SessionGitActivity[]>;
}): JSX.Element {
  return (
    <>
      <Files session={session} />
      <Commits commits={commits} />
      <LastCommands session={session} />
      <Jobs session={session} />
      <Events session={session} />
    </>
  );
}

function Files({ session }: { session: SessionDetail }): JSX.Element {
  const { items, error } = useSessionFiles(session.id, session.updated_at);
  const sorted = (items ?? []).toSorted((a, b) => b.writes - a.writes || b.reads - a.reads);
  const left = sorted.length - FILES_SHOWN;
  return (
    <>
      <h2>Files</h2>
      {error !== null && <p class="faint">{error.message}</p>}
      {items?.length === 0 && <p class="faint">No call read or wrote one.</p>}
      <ul class="plain">
        {sorted.slice(0, FILES_SHOWN).map((file) => (
          <li key={file.path} class="file-line">
            {file.writes > 0 ? (
              <button
                type="button"
                class="link mono cut"
                title={file.path}
                onClick={() => setQuery({ show: "diff", file: file.path })}
              >
                {nameOf(file.path)}
              </button>
            ) : (
              <span class="mono cut" title={file.path}>
                {nameOf(file.path)}
              </span>
            )}
            <LineCounts file={file} />
          </li>
        ))}
      </ul>
      {left > 0 && (
        <button type="button" class="link" onClick={() => setQuery({ show: "diff", file: null })}>
          {countText(left)} more
        </button>
      )}
    </>
  );
}

function nameOf(path: string): string {
  return path.split("/").slice(-2).join("/");
}

function Commits({ commits }: { commits: QueryState<readonly SessionGitActivity[]> }): JSX.Element {
  return (
    <>
      <h2>Commits</h2>
      <Loaded query={commits} rows={1}>
        {(rows) => (
          <>
            {rows.length === 0 && <p class="faint">None is matched to this session.</p>}
            <ul class="plain">
              {rows.map((git) => (
                <li key={git.id}>
                  <CommitHash git={git} />{" "}
                  <GradeBadge grade={git.session_match} why={REASONS[git.session_match]} />{" "}
                  {git.is_only_printed && (
                    <Badge
                      tone="quiet"
                      title="A call of this session printed it. No git hook of this repository reported it."
                    >
                      not reported by git
                    </Badge>
                  )}
                  <br />
                  {git.message?.split("\n", 1)[0] ?? ""}
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </>
  );
}

function LastCommands({ session: { transcript } }: { session: SessionDetail }): JSX.Element | null {
  if (transcript === null || transcript.commands_run.last.length === 0) return null;
  return (
    <>
      <h2>Last commands</h2>
      <ul class="plain">
        {transcript.commands_run.last.slice(0, COMMANDS_SHOWN).map(({ call_id, command, exit_code }) => (
          <li key={call_id} class="file-line">
            <code class="cut" title={command}>
              {command.split("\n", 1)[0] ?? ""}
            </code>
            {exit_code === null ? null : (
              <Badge tone={exit_code === 0 ? "good" : "bad"}>exit {exit_code}</Badge>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Jobs({ session }: { session: SessionDetail }): JSX.Element {
  return <Fold summary="Jobs of this session">{() => <JobList id={session.id} />}</Fold>;
}

function JobList({ id }: { id: string }): JSX.Element {
  const jobs = useQuery(
    `jobs of ${id}`,
    async () => (await hub.jobs.list({ concurrency_key: id, limit: 20 })).jobs,
  );
  return (
    <Loaded query={jobs} rows={1}>
      {(rows) => (
        <ul class="plain">
          {rows.length === 0 && <li class="faint">None is kept.</li>}
          {rows.map((job) => (
            <li key={job.id}>
              <a href={`/jobs/${job.id}`}>{job.type}</a> <span class="faint">{job.state}</span>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function Events({ session }: { session: SessionDetail }): JSX.Element {
  return <Fold summary="Events of this session">{() => <EventList id={session.id} />}</Fold>;
}

function EventList({ id }: { id: string }): JSX.Element {
  const events = useQuery(
    `events of ${id}`,
    async () => (await hub.sessions.events(id, { limit: 100 })).events,
  );
  return (
    <Loaded query={events} rows={1}>
      {(rows) => (
        <ul class="plain">
          {rows.length === 0 && <li class="faint">None was sent.</li>}
          {rows.map((event) => (
            <li key={event.id}>
              <code>{event.type}</code>{" "}
              <span class="faint">
                <Age at={event.timestamp} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
