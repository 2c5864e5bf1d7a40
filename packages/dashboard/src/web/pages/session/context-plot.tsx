import type { SessionTranscript } from "@wharf/protocol";
import type { JSX } from "preact";

const WIDTH = 240;
const HEIGHT = 48;

/** The size of the context over the responses: a line that falls where it was compacted. */
export function ContextPlot({ sizes }: { sizes: SessionTranscript["context"]["sizes"] }): JSX.Element {
  const most = Math.max(...sizes.map(({ tokens }) => tokens), 1);
  const points = sizes.map(({ tokens }, index) => {
    const x = (index / Math.max(sizes.length - 1, 1)) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT - (tokens / most) * (HEIGHT - 2)).toFixed(1)}`;
  });
  return (
    <svg
      class="context-plot"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label="Context size by response"
    >
      <polygon points={`0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}
