import type { ContentBlock } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { toast } from "../../app/toasts.tsx";

/** A block whose texts may be cut, with a button that reads them whole. */
export function WholeText({
  block,
  sessionId,
  messageId,
  children,
}: {
  block: ContentBlock;
  sessionId: string;
  messageId: string;
  children: (block: ContentBlock) => ComponentChildren;
}): JSX.Element {
  const [whole, setWhole] = useState<ContentBlock | null>(null);
  const [isReading, setIsReading] = useState(false);

  async function read(): Promise<void> {
    setIsReading(true);
    try {
      const found = await findBlock(sessionId, messageId, block.id);
      setWhole(found ?? block);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), { isError: true });
    } finally {
      setIsReading(false);
    }
  }

  return (
    <>
      {children(whole ?? block)}
      {block.is_cut && whole === null && (
        <button type="button" class="link rest" disabled={isReading} onClick={() => void read()}>
          The text is cut. Load all of it
        </button>
      )}
    </>
  );
}

async function findBlock(
  sessionId: string,
  messageId: string,
  id: string,
): Promise<ContentBlock | undefined> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof hub.transcripts.blocks>> = await hub.transcripts.blocks(
      sessionId,
      messageId,
      cursor === null ? {} : { cursor },
    );
    const found = page.blocks.find((block) => block.id === id);
    if (found !== undefined) return found;
    cursor = page.next_cursor;
  } while (cursor !== null);
  return undefined;
}
