import type { SessionDetail } from "@wharf/protocol";
import type { JSX } from "preact";
import { shortText } from "../../format/numbers.ts";
import { Facts } from "../../ui/parts.tsx";
import { sessionHref } from "../../ui/session-parts.tsx";
import { ContextPlot } from "./context-plot.tsx";
import { Spent } from "./spent.tsx";

/** What is known of a session beside its transcript. */
export function SessionFacts({ session }: { session: SessionDetail }): JSX.Element {
  const { transcript: facts } = session;
  const models = facts?.models.map(({ model }) => model ?? "unknown") ?? [];
  const redactions = Object.entries(session.redactions.hub).concat(Object.entries(session.redactions.device));
  const rows: (readonly [string, JSX.Element | string | null])[] = [
    ["Directory", facts?.place.cwd ? <code>{facts.place.cwd}</code> : null],
    ["Branch", session.git_branch],
    ["Models", models.length === 0 ? session.model : models.join(", ")],
    ["Version", facts?.place.version ?? null],
    ["Subagents", session.subagent_count ? String(session.subagent_count) : null],
    ["Continues", session.forked_from === null ? null : <SessionLink id={session.forked_from} />],
    [
      "Started by",
      session.parent_session_id === null ? null : <SessionLink id={session.parent_session_id} />,
    ],
    ["Tags", session.tags.length === 0 ? null : session.tags.join(", ")],
    [
      "Redacted",
      redactions.length === 0 ? null : redactions.map(([rule, count]) => `${count} ${rule}`).join(", "),
    ],
  ];
  return (
    <>
      <h2>Facts</h2>
      <Facts facts={rows} />
      {facts !== null && facts.context.sizes.length > 1 && (
        <>
          <h2>Context</h2>
          <ContextPlot sizes={facts.context.sizes} />
          <p class="faint">
            {shortText(facts.context.last ?? 0)} tokens now, {shortText(facts.context.max ?? 0)} at most
            {facts.compactions.count > 0 && `, compacted ${facts.compactions.count} times`}
          </p>
        </>
      )}
      {facts !== null && <Spent session={session} models={facts.models} />}
    </>
  );
}

function SessionLink({ id }: { id: string }): JSX.Element {
  return (
    <a class="mono" href={sessionHref(id)}>
      {id.slice(0, 8)}
    </a>
  );
}
