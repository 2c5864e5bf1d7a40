import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";

export type Series = { name: string; values: readonly number[] };

const HEIGHT = 220;
/** Colours of bars; the last one is for what has none of its own. */
export const SERIES_MAX = 6;

/** Stacked bars. The numbers must also stand in a table: a picture cannot be read aloud. */
export function BarPlot({
  label,
  names,
  series,
  format,
  onChoose,
}: {
  label: string;
  /** Of the bars, from left to right. */
  names: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  onChoose: (bar: number) => void;
}): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const content = JSON.stringify([names, series]);

  useEffect(() => {
    const target = frame.current;
    const swatches = [...(legend.current?.querySelectorAll("i") ?? [])];
    if (target === null) return;
    return draw(target, {
      names,
      series,
      format,
      colours: () => swatches.map((swatch) => getComputedStyle(swatch).backgroundColor),
      onPoint: setPointed,
      onChoose: (bar) => choose.current(bar),
    });
  }, [content]);

  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const shown = (values: readonly number[]) => (pointed === null ? sum(values) : (values[pointed] ?? 0));
  return (
    <figure class="plot">
      <figcaption>
        <strong>{pointed === null ? "All" : names[pointed]}</strong>{" "}
        {format(sum(series.map(({ values }) => shown(values))))}
        <ul ref={legend} class="legend">
          {series.map(({ name, values }, index) => (
            <li key={name}>
              <i class={`swatch swatch-${index + 1}`} /> {name}{" "}
              <span class="faint">{format(shown(values))}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={frame} class="plot-frame" role="img" aria-label={label} style={{ height: `${HEIGHT}px` }} />
    </figure>
  );
}

type Drawing = {
  names: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  /** Read again when the theme changes. */
  colours: () => string[];
  onPoint: (bar: number | null) => void;
  onChoose: (bar: number) => void;
};

/** Draws now, and again when the width or the theme changes. Returns what ends it. */
function draw(target: HTMLElement, drawing: Drawing): () => void {
  let plot: uPlot | null = null;
  let isEnded = false;
  const theme = matchMedia("(prefers-color-scheme: dark)");
  async function render(): Promise<void> {
    const { default: Plot } = await import("uplot");
    if (isEnded) return;
    plot?.destroy();
    plot = new Plot(optionsOf(Plot, target, drawing), stacked(drawing.series, drawing.names.length), target);
  }
  const resized = new ResizeObserver(() => plot?.setSize({ width: target.clientWidth, height: HEIGHT }));
  resized.observe(target);
  const redraw = () => void render();
  theme.addEventListener("change", redraw);
  redraw();
  return () => {
    isEnded = true;
    theme.removeEventListener("change", redraw);
    resized.disconnect();
    plot?.destroy();
  };
}

/** The whole first: what is drawn later covers its lower part. */
function stacked(series: readonly Series[], bars: number): uPlot.AlignedData {
  const sums = Array.from({ length: bars }, () => 0);
  const layers = series.map(({ values }) =>
    values.map((value, bar) => {
      sums[bar] = (sums[bar] ?? 0) + value;
      return sums[bar] ?? 0;
    }),
  );
  return [Array.from({ length: bars }, (_, bar) => bar), ...layers.reverse()];
}

function optionsOf(Plot: typeof uPlot, target: HTMLElement, drawing: Drawing): uPlot.Options {
  const { names, format, onPoint, onChoose } = drawing;
  const { color, font } = getComputedStyle(target);
  const colours = drawing.colours();
  const bars = Plot.paths.bars?.({ size: [0.75, 48] });
  const axis = { stroke: color, font, ticks: { show: false } };
  return {
    width: target.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.6, names.length - 0.4] },
      y: { range: (_, __, max) => [0, max || 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 70,
        values: (_, at) => at.map((bar) => (Number.isInteger(bar) ? (names[bar] ?? "") : "")),
      },
      { ...axis, grid: { stroke: color, width: 0.15 }, size: 64, values: (_, at) => at.map(format) },
    ],
    series: [
      {},
      ...colours
        .toReversed()
        .map((fill) => ({ fill, width: 0, points: { show: false }, ...(bars && { paths: bars }) })),
    ],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      ready: [
        ({ over, cursor }) =>
          over.addEventListener("click", () => typeof cursor.idx === "number" && onChoose(cursor.idx)),
      ],
    },
  };
}
