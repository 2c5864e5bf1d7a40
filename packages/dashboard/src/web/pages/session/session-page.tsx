import { HubError } from "@wharf/client";
import type { OutlinePrompt, SessionGitActivity } from "@wharf/protocol";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { type Change, useLive } from "../../app/live.ts";
import type { PageProps } from "../../app/pages.ts";
import { query, setQuery } from "../../app/router.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { counted } from "../../format/numbers.ts";
import { Empty, Loaded } from "../../ui/states.tsx";
import { Changes } from "./changes.tsx";
import { useCurrentPrompt } from "./current-prompt.ts";
import { SessionFacts } from "./facts.tsx";
import { Outline } from "./outline.tsx";
import { isAtEnd } from "./places.ts";
import { densityOf, SessionBar } from "./session-bar.tsx";
import { SessionHead } from "./session-head.tsx";
import { SessionLists } from "./session-lists.tsx";
import { createTranscript, type Transcript } from "./transcript.ts";
import { TranscriptView } from "./transcript-view.tsx";

const GIT_PAGE = 200;

/** What was asked, what was done and what came of it; below, the transcript between its outline and facts. */
export function SessionPage({ params }: PageProps): JSX.Element {
  const id = params["id"] ?? "";
  const detail = useQuery(`session ${id}`, () => hub.sessions.get(id));
  const commits = usePages<SessionGitActivity>(`git ${id}`, async (cursor) => {
    const page = await hub.sessions.git(id, { limit: GIT_PAGE, ...(cursor === null ? {} : { cursor }) });
    const items = page.git_activity.filter(({ type }) => type === "commit" || type === "merge");
    return { items, next: page.next_cursor };
  });
  useLiveReload(["session", "event"], commits, {
    concerns: ({ kind, ids, events }) =>
      kind === "session" ? ids.includes(id) : events?.some(({ type }) => type.startsWith("git.")) !== false,
  });
  const prompts = usePages<OutlinePrompt>(`outline ${id}`, async (cursor) => {
    const page = await hub.transcripts.outline(id, cursor === null ? {} : { cursor });
    return { items: page.prompts, next: page.next_cursor };
  });
  const density = densityOf(query.value.get("density"));
  const transcript = useMemo(
    () => createTranscript({ sessionId: id, subagentId: null, density }),
    [id, density],
  );
  const current = useCurrentPrompt(transcript, prompts.items ?? []);
  useWholeDensity(transcript);
  const concerns = ({ ids }: Change) => ids.includes(id);
  useLiveReload(["session"], detail, { concerns });
  useLiveReload(["session"], prompts, { concerns });
  useLive(["session"], (changes) => {
    if (changes.some((change) => change.kind === "reset" || concerns(change)))
      void transcript.readEnd(isAtEnd());
  });
  if (detail.error instanceof HubError && detail.error.status === 404) return <Missing />;

  const session = detail.data;
  return (
    <div class="session">
      <Loaded query={detail} rows={3}>
        {(shown) => <SessionHead session={shown} commits={commits} />}
      </Loaded>
      <div class="session-columns">
        <nav class="session-outline" aria-label="Prompts">
          <Outline prompts={prompts} current={current} />
        </nav>
        <div class="session-middle">
          <SessionBar sessionId={id} density={density} current={current} />
          {query.value.get("show") === "diff" ? (
            <Changes sessionId={id} updatedAt={session?.updated_at ?? ""} />
          ) : (
            <Messages transcript={transcript} />
          )}
        </div>
        <aside class="session-facts" aria-label="Facts">
          {session !== null && (
            <>
              <SessionFacts session={session} />
              <SessionLists session={session} commits={commits} />
            </>
          )}
        </aside>
      </div>
    </div>
  );
}

/** A message that an address names is shown: where the density leaves it out, everything is. */
function useWholeDensity({ opened, has }: Transcript): void {
  const page = opened.value;
  useEffect(() => {
    const around = query.peek().get("around");
    if (page !== null && around !== null && !has(around) && !query.peek().has("density"))
      setQuery({ density: "full" });
  }, [page]);
}

function Messages({ transcript }: { transcript: Transcript }): JSX.Element {
  const subagentId = transcript.pages.value?.[0]?.subagent_id ?? null;
  const waiting = transcript.waiting.value;
  const showNew = () => {
    transcript.showWaiting();
    requestAnimationFrame(() => scrollTo({ top: document.documentElement.scrollHeight }));
  };
  return (
    <>
      {subagentId !== null && (
        <p class="note">
          These are messages of a subagent.{" "}
          <button type="button" class="link" onClick={() => setQuery({ around: null })}>
            Show the session
          </button>
        </p>
      )}
      <TranscriptView transcript={transcript} around={query.value.get("around")} />
      {waiting > 0 && (
        <button type="button" class="new-messages primary" onClick={showNew}>
          {counted(waiting, "new message")}
        </button>
      )}
    </>
  );
}

function Missing(): JSX.Element {
  return (
    <Empty title="This hub has no session with this id.">
      <p class="faint">It may have been deleted, or its device has not sent it yet.</p>
      <p>
        <a href="/sessions">All sessions</a>
      </p>
    </Empty>
  );
}
