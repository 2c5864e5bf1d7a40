import type { GitMatchGrade, SessionDetail, SessionGitActivity } from "@wharf/protocol";
import type { JSX } from "preact";
import type { PagesState } from "../../app/use-pages.ts";
import { CommitHash, GradeBadge } from "../../ui/git-line.tsx";
import { Badge } from "../../ui/parts.tsx";
import { FileList } from "./file-list.tsx";
import { Fold } from "./fold.tsx";
import { EventList, JobList, Records } from "./session-records.tsx";

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
  commits: PagesState<SessionGitActivity>;
}): JSX.Element {
  return (
    <>
      <FileList session={session} />
      <Commits commits={commits} />
      <LastCommands session={session} />
      <Fold summary="Jobs of this session">{() => <JobList sessionId={session.id} />}</Fold>
      <Fold summary="Events of this session">{() => <EventList sessionId={session.id} />}</Fold>
    </>
  );
}

function Commits({ commits }: { commits: PagesState<SessionGitActivity> }): JSX.Element {
  return (
    <>
      <h2>Commits</h2>
      <Records
        pages={commits}
        empty="None is matched to this session."
        row={(git) => (
          <li key={git.id}>
            <CommitHash git={git} /> <GradeBadge grade={git.session_match} why={REASONS[git.session_match]} />{" "}
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
        )}
      />
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
