import { HubError } from "@wharf/client";
import type { ContentBlock } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";

/** The images of a block, an image or a result of a tool; a click opens one in full. */
export function Images({ block, sessionId }: { block: ContentBlock; sessionId: string }): JSX.Element | null {
  const { images = [] } = block.metadata;
  if (images.length === 0) return null;
  const from = block.block_type === "image" ? "" : " from the result";
  return (
    <div class="images">
      {images.map(({ media_type }, index) => (
        <TranscriptImage
          key={index}
          path={hub.transcripts.imagePath(sessionId, block.id, index)}
          name={`Image${images.length === 1 ? "" : ` ${index + 1} of ${images.length}`}${from} (${media_type})`}
          read={() => hub.transcripts.image(sessionId, block.id, index)}
        />
      ))}
    </div>
  );
}

/** An image at a path of the hub, or why it cannot be shown. */
export function TranscriptImage({
  path,
  name,
  read,
}: {
  path: string;
  name: string;
  /** Fails for the reason for which the image is missing. */
  read: () => Promise<unknown>;
}): JSX.Element {
  const [reason, setReason] = useState<Error | null>(null);
  if (reason !== null)
    return (
      <p class="faint">
        {name} is not shown. {reason.message}{" "}
        {reason instanceof HubError && reason.isUnreachable && (
          <button type="button" class="link" onClick={() => setReason(null)}>
            Retry
          </button>
        )}
      </p>
    );
  /** The browser says only that it failed. */
  const explain = () =>
    read().then(
      () => setReason(new Error("Its bytes are damaged.")),
      (error: unknown) => setReason(error instanceof Error ? error : new Error(String(error))),
    );
  return (
    <a href={path} target="_blank" rel="noopener">
      <img src={path} alt={name} loading="lazy" decoding="async" onError={() => void explain()} />
    </a>
  );
}
