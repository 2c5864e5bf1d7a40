import type { ContentBlock } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { Cut } from "../../text/cut.tsx";
import { Diff } from "../../text/diff.tsx";
import { Output } from "../../text/output.tsx";
import { Path } from "../../ui/path.tsx";
import { Loaded } from "../../ui/states.tsx";
import { changesOf, commandOf } from "./calls.ts";
import { Images } from "./images.tsx";
import type { Call } from "./items.ts";
import { WholeText } from "./whole-text.tsx";

const INPUT_LINES = 12;

/** What a call was given and what came back; read from the hub where the page does not hold it. */
export function CallBody({ call, sessionId }: { call: Call; sessionId: string }): JSX.Element {
  const isHere = call.block.tool_input !== null || call.result !== null;
  return (
    <div class="step-body">
      {isHere ? <Parts call={call} sessionId={sessionId} /> : <ReadParts call={call} sessionId={sessionId} />}
    </div>
  );
}

/** The full density around the call holds its input and, nearly always, its result. */
function ReadParts({ call, sessionId }: { call: Call; sessionId: string }): JSX.Element {
  const { id } = call.message;
  const query = useQuery(`call ${sessionId} ${call.block.id}`, async () => {
    const { messages } = await hub.transcripts.messages(sessionId, {
      around: id,
      density: "full",
      limit: 20,
    });
    const blocks = messages.flatMap((message) => message.content_blocks.map((block) => ({ message, block })));
    const own = blocks.find(({ block }) => block.id === call.block.id);
    const result = blocks.find(({ block }) => block.tool_result_id === call.block.tool_use_id) ?? null;
    return { ...call, ...(own === undefined ? {} : { block: own.block }), result };
  });
  return (
    <Loaded query={query} rows={2}>
      {(found) => <Parts call={found} sessionId={sessionId} />}
    </Loaded>
  );
}

function Parts({
  call: { block, message, result },
  sessionId,
}: {
  call: Call;
  sessionId: string;
}): JSX.Element {
  return (
    <>
      <WholeText block={block} sessionId={sessionId} messageId={message.id}>
        {(whole) => <Input block={whole} target={block.call?.target ?? null} />}
      </WholeText>
      {result !== null && (
        <>
          <WholeText block={result.block} sessionId={sessionId} messageId={result.message.id}>
            {({ result_text }) => (result_text ? <Output text={result_text} /> : null)}
          </WholeText>
          <Images block={result.block} sessionId={sessionId} />
        </>
      )}
    </>
  );
}

/** Without what the line of the call, `target`, says already. */
function Input({ block, target }: { block: ContentBlock; target: string | null }): JSX.Element | null {
  const changes = changesOf(block);
  if (changes.length > 0)
    return (
      <>
        {changes.map(({ path, diff }) => (
          <figure key={path}>
            <figcaption>
              <Path path={path} />
            </figcaption>
            <Diff text={diff} />
          </figure>
        ))}
      </>
    );
  const text = commandOf(block) ?? inputText(block.tool_input);
  if (text === "" || text === target) return null;
  return (
    <pre>
      <Cut text={text} lines={INPUT_LINES} />
    </pre>
  );
}

function inputText(input: unknown): string {
  if (input === null || input === undefined) return "";
  if (typeof input !== "object") return String(input);
  const [only, ...others] = Object.values(input);
  return typeof only === "string" && others.length === 0 ? only : JSON.stringify(input, null, 2);
}
