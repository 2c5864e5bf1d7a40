import type { StartedSubagent } from "@wharf/protocol";
import type { JSX } from "preact";
import { useContext } from "preact/hooks";
import { costText, shortText } from "../../format/numbers.ts";
import { Fold } from "./fold.tsx";
import { Icon } from "./icon.tsx";
import type { Call } from "./items.ts";
import { SubagentMessages } from "./nested.ts";

/** What a subagent was asked, and its own messages once it is unfolded. */
export function SubagentCard({
  call: { block, message, result },
  subagent,
  sessionId,
}: {
  call: Call;
  subagent: StartedSubagent;
  sessionId: string;
}): JSX.Element {
  const Messages = useContext(SubagentMessages);
  const tokens = (subagent.tokens_in ?? 0) + (subagent.tokens_out ?? 0);
  return (
    <Fold
      name="subagent"
      message={message.id}
      result={result?.message.id}
      summary={
        <>
          <Icon name="agent" />
          <strong>{subagent.agent_type}</strong>
          <span class="cut">{subagent.description ?? block.call?.target ?? ""}</span>
          <span class="faint number">{subagent.model}</span>
          <span class="faint number">{shortText(tokens)} tok</span>
          <span class="number">{costText(subagent.cost_estimate_usd)}</span>
        </>
      }
    >
      {() => Messages && <Messages sessionId={sessionId} subagentId={subagent.id} />}
    </Fold>
  );
}
