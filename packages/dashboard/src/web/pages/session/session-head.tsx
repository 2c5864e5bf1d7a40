import type { SessionDetail, SessionGitActivity } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import type { ComponentChildren, JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import { go } from "../../app/router.ts";
import { act } from "../../app/toasts.tsx";
import type { PagesState } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { costText, counted, countText, shortText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Cut } from "../../text/cut.tsx";
import { Markdown } from "../../text/markdown.tsx";
import { ConfirmButton } from "../../ui/dialog.tsx";
import { ExportLinks } from "../../ui/export-links.tsx";
import { Age, Badge, Copy, PageHead } from "../../ui/parts.tsx";
import { repositoryName, StateBadge, titleOf } from "../../ui/session-parts.tsx";
import { MissingPrices } from "./missing-prices.tsx";
import { resumeCommand } from "./resume-command.ts";

/** Title, state and actions; then what was asked, done and answered. */
export function SessionHead({
  session,
  commits,
}: {
  session: SessionDetail;
  commits: PagesState<SessionGitActivity>;
}): JSX.Element {
  const command = resumeCommand(session);
  return (
    <>
      <PageHead
        title={titleOf(session)}
        note={
          <>
            <StateBadge session={session} /> {agentName(session.agent)} on{" "}
            <a href={`/devices/${encodeURIComponent(session.device_id)}`}>{session.device_name}</a> in{" "}
            <a href={`/repositories/${encodeURIComponent(session.workspace_id)}`}>
              {repositoryName(session.workspace_name)}
            </a>
            {session.git_branch !== null && <> on {session.git_branch}</>} · <Age at={session.started_at} />
            {session.transcript !== null && <> · active {durationText(session.transcript.active_ms)}</>}
          </>
        }
      >
        <Copy text={session.id}>Copy id</Copy>
        {command !== null && <Copy text={command}>Copy resume command</Copy>}
        <ExportLinks path={`/api/sessions/${encodeURIComponent(session.id)}/export`} />
        <Delete session={session} />
      </PageHead>
      <Summary session={session} commits={commits} />
    </>
  );
}

function Delete({ session: { id, device_name } }: { session: SessionDetail }): JSX.Element {
  async function remove(): Promise<void> {
    if (await act(() => hub.sessions.delete(id), "The session is deleted.")) go("/sessions");
  }
  return (
    <ConfirmButton
      text="Delete"
      class="small danger"
      reason={canChange() ? undefined : "A read key cannot delete sessions."}
      title="Delete this session?"
      action="Delete the session"
      onConfirm={() => void remove()}
    >
      <p>
        The hub deletes its messages, transcript files, events, costs and search entries. This cannot be
        undone.
      </p>
      <p>
        The hub keeps only the session's id and the time of the deletion, to refuse what a device sends again.
        The files on {device_name} stay where they are.
      </p>
    </ConfirmButton>
  );
}

const ASKED_LINES = 4;

function Summary({
  session,
  commits,
}: {
  session: SessionDetail;
  commits: PagesState<SessionGitActivity>;
}): JSX.Element {
  const own = commits.items?.filter(({ session_match }) => session_match !== "possible");
  const { transcript: facts } = session;
  const test = facts?.tests.last ?? null;
  return (
    <dl class="summary">
      <Part name="Asked" isWide>
        {session.initial_prompt === null ? (
          <span class="faint">nothing yet</span>
        ) : (
          <span class="wrapped">
            <Cut text={session.initial_prompt} lines={ASKED_LINES} />
          </span>
        )}
      </Part>
      <Part name="Result" isWide>
        <Result session={session} />
      </Part>
      <Part name="Did">
        {facts === null ? (
          <span class="faint">no transcript</span>
        ) : (
          <>
            {counted(facts.files.written, "file")} <span class="added">+{countText(facts.files.added)}</span>{" "}
            <span class="removed">−{countText(facts.files.removed)}</span>
            <br />
            {counted(facts.commands_run.count, "command")}
            {facts.commands_run.failed > 0 && (
              <span class="removed">, {countText(facts.commands_run.failed)} failed</span>
            )}
          </>
        )}
      </Part>
      <Part name="Commits">
        {own !== undefined &&
          (commits.loadMore === null ? counted(own.length, "commit") : `${countText(own.length)}+ commits`)}
      </Part>
      <Part name="Last test run">
        {test === null ? (
          <span class="faint">none</span>
        ) : (
          <>
            <Badge tone={test.is_success === false ? "bad" : "good"}>
              {test.is_success === false ? "failed" : "passed"}
            </Badge>{" "}
            {test.passed !== null && `${countText(test.passed)} passed`}
            {(test.failed ?? 0) > 0 && `, ${countText(test.failed ?? 0)} failed`}
          </>
        )}
      </Part>
      <Part name="Cost">
        {costText(session.cost_estimate_usd)}
        {session.cost_is_partial && <MissingPrices session={session} />}
        <br />
        <span class="faint">
          {shortText((session.tokens_in ?? 0) + (session.tokens_out ?? 0))} tokens without cache
        </span>
      </Part>
    </dl>
  );
}

function Part({
  name,
  isWide = false,
  children,
}: {
  name: string;
  isWide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div class={isWide ? "wide" : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The agent's last text, which the story ends with. */
function Result({ session }: { session: SessionDetail }): JSX.Element {
  const { data } = useQuery(`result ${session.id} ${session.updated_at}`, () =>
    hub.transcripts.messages(session.id, { density: "story", from: "end", limit: 2 }),
  );
  const answer = data?.messages.findLast(({ kind }) => kind === "assistant");
  const text =
    answer?.content_blocks.findLast(({ content_text }) => content_text !== null)?.content_text ??
    session.summary;
  if (!text) return <span class="faint">{data === null ? "…" : "no answer yet"}</span>;
  return <Cut text={text} lines={RESULT_LINES} render={(part) => <Markdown text={part} />} />;
}

const RESULT_LINES = 5;
