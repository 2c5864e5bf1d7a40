import type { SearchResult, SearchTier } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import type { JSX } from "preact";
import { href } from "../../app/router.ts";
import { Marked } from "../../ui/marked.tsx";
import { Age } from "../../ui/parts.tsx";
import { repositoryName, sessionHref, titleOf } from "../../ui/session-parts.tsx";

/** In pixels. */
export const RESULT_HEIGHT = 98;

const KINDS: Readonly<Record<string, string>> = {
  tool_input: "call",
  tool_output: "output of a call",
};
const TIERS: Readonly<Record<SearchTier, string>> = {
  exact: "As written",
  all_words: "All words, in any form",
  any_word: "Some of the words",
  close_spelling: "A similar spelling",
};

export function tierText(tier: SearchTier): string {
  return TIERS[tier];
}

/** A session by its best match; opens at the message that was found. */
export function Result({ result }: { result: SearchResult }): JSX.Element {
  const { session, message_id, kind, workspace_name, device_name, timestamp, fragments } = result;
  const [first, ...others] = fragments;
  const title = titleOf(session);
  const isTitle = first?.text === title && others.length === 0;
  const isCode = kind === "tool_input" || kind === "tool_output";
  return (
    <a class="row result" href={href(sessionHref(session.id), { around: message_id })}>
      <strong class="cut">{isTitle ? <Marked text={title} marks={first.marks} /> : title}</strong>
      {!isTitle && (
        <span class="two-lines">
          {fragments.map(({ text, marks }) => (
            <span key={text} class={isCode ? "fragment mono" : "fragment"}>
              <Marked text={text} marks={marks} />
            </span>
          ))}
        </span>
      )}
      <span class="faint cut">
        <Age at={timestamp} /> · {KINDS[kind] ?? kind} · {repositoryName(workspace_name)} ·{" "}
        {device_name ?? session.device_name} · {agentName(session.agent)}
      </span>
    </a>
  );
}
