import type { TranscriptBlock } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { costText, shortText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Badge } from "../../ui/parts.tsx";
import { Path } from "../../ui/path.tsx";
import { CallBody } from "./call-body.tsx";
import { kindOf } from "./calls.ts";
import { Icon } from "./icon.tsx";
import type { Call } from "./items.ts";
import { SubagentCard } from "./subagent-card.tsx";

/** A call in a line of 28 px, which unfolds to what it was given and what came back. */
export function Step({
  call,
  isOpen,
  sessionId,
}: {
  call: Call;
  isOpen: boolean;
  sessionId: string;
}): JSX.Element {
  const { block, message, result } = call;
  const [isShown, setIsShown] = useState(isOpen);
  const { verb, icon } = kindOf(block.tool_name);
  if (block.call?.subagent)
    return <SubagentCard call={call} subagent={block.call.subagent} sessionId={sessionId} />;
  const tokens = message.tokens_out;
  return (
    <details
      class="step"
      data-message={message.id}
      data-result={result?.message.id}
      open={isOpen}
      onToggle={(event) => setIsShown(event.currentTarget.open)}
    >
      <summary>
        <Icon name={icon} />
        <span class="cut">{verb}</span>
        <Target text={block.call?.target ?? ""} isPath={icon === "file" || icon === "pencil"} />
        <Outcome block={block} />
        <span class="faint number">{timeOf(block)}</span>
        <span class="faint number" title={costText(message.cost_usd)}>
          {tokens === null ? "" : `${shortText(tokens)} tok`}
        </span>
      </summary>
      {isShown && <CallBody call={call} sessionId={sessionId} />}
    </details>
  );
}

function Target({ text, isPath }: { text: string; isPath: boolean }): JSX.Element {
  if (isPath) return <Path path={text} />;
  return (
    <span class="mono cut" title={text}>
      {text}
    </span>
  );
}

function Outcome({ block: { call } }: { block: TranscriptBlock }): ComponentChildren {
  if (call === null) return <span />;
  if (call.state === "running") return <Badge tone="info">running</Badge>;
  if (call.state === "error")
    return <Badge tone="bad">{call.exit_code === null ? "failed" : `exit ${call.exit_code}`}</Badge>;
  return <Badge tone="good">{call.exit_code === null ? "ok" : `exit ${call.exit_code}`}</Badge>;
}

function timeOf({ call }: TranscriptBlock): string {
  if (!call?.called_at || !call.returned_at) return "";
  return durationText(Math.max(0, Date.parse(call.returned_at) - Date.parse(call.called_at)));
}
