/** Values for a metric's labels, in the order in which it names them. */
export type LabelValues = readonly string[];

export type Counter = {
  add(count: number, ...labels: LabelValues): void;
  total(...labels: LabelValues): number;
};
export type Histogram = { observe(value: number, ...labels: LabelValues): void };
export type Sample = { value: number; labels?: LabelValues };

export type Registry = {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  histogram(name: string, help: string, bounds: readonly number[], labelNames?: readonly string[]): Histogram;
  /** Read at each scrape; a `counter` here is counted elsewhere. */
  observed(
    type: "gauge" | "counter",
    name: string,
    help: string,
    read: () => number | readonly Sample[],
    labelNames?: readonly string[],
  ): void;
  /** Everything in Prometheus' text format, version 0.0.4. */
  text(): string;
};

type Family = { name: string; help: string; type: string; lines(): string[] };

/**
 * Counters, gauges and histograms in Prometheus' text format; those without labels are 0 from the first scrape. Our own, as
 * prom-client depends on the whole OpenTelemetry API.
 */
export function createRegistry(): Registry {
  const families: Family[] = [];

  return {
    counter(name, help, labelNames = []) {
      const { all, find } = createSeries(labelNames, (labels) => ({ labels, value: 0 }));
      const lines = () => all.map(({ labels, value }) => `${name}${braced(labels)} ${value}`);
      families.push({ name, help, type: "counter", lines });
      if (labelNames.length === 0) find([]);
      return {
        add(count, ...values) {
          find(values).value += count;
        },
        total: (...values) => find(values).value,
      };
    },

    histogram(name, help, bounds, labelNames = []) {
      const { all, find } = createSeries(labelNames, (labels) => emptySeries(labels, bounds.length));
      const lines = () => all.flatMap((one) => histogramLines(name, bounds, one));
      families.push({ name, help, type: "histogram", lines });
      if (labelNames.length === 0) find([]);
      return {
        observe(value, ...values) {
          const one = find(values);
          const bucket = bounds.findIndex((bound) => value <= bound);
          if (bucket >= 0) one.counts[bucket] = (one.counts[bucket] ?? 0) + 1;
          one.count += 1;
          one.sum += value;
        },
      };
    },

    observed(type, name, help, read, labelNames = []) {
      function lines(): string[] {
        const value = read();
        const samples = typeof value === "number" ? [{ value }] : value;
        return samples.map(
          (sample) => `${name}${braced(render(labelNames, sample.labels ?? []))} ${sample.value}`,
        );
      }
      families.push({ name, help, type, lines });
    },

    text() {
      return families.map(familyText).join("");
    },
  };
}

type HistogramSeries = { labels: string; counts: number[]; count: number; sum: number };

function emptySeries(labels: string, buckets: number): HistogramSeries {
  return { labels, counts: Array.from({ length: buckets }, () => 0), count: 0, sum: 0 };
}

type Branch<Series> = { series?: Series; next: Map<string, Branch<Series>> };

/** The series of a metric, found label by label: joining the values to a key created and hashed three strings per request. */
function createSeries<Series>(labelNames: readonly string[], create: (labels: string) => Series) {
  const all: Series[] = [];
  const root: Branch<Series> = { next: new Map() };

  function find(values: LabelValues): Series {
    let branch = root;
    for (const value of values) branch = branch.next.get(value) ?? grow(branch, value);
    return branch.series ?? add(branch, values);
  }

  function grow(branch: Branch<Series>, value: string): Branch<Series> {
    const grown: Branch<Series> = { next: new Map() };
    branch.next.set(value, grown);
    return grown;
  }

  function add(branch: Branch<Series>, values: LabelValues): Series {
    const series = create(render(labelNames, values));
    branch.series = series;
    all.push(series);
    return series;
  }

  return { all, find };
}

function familyText({ name, help, type, lines }: Family): string {
  return `${[`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()].join("\n")}\n`;
}

function histogramLines(name: string, bounds: readonly number[], one: HistogramSeries): string[] {
  const prefix = one.labels === "" ? "" : `${one.labels},`;
  let below = 0;
  const buckets = bounds.map((bound, i) => {
    below += one.counts[i] ?? 0;
    return `${name}_bucket{${prefix}le="${bound}"} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${prefix}le="+Inf"} ${one.count}`,
    `${name}_sum${braced(one.labels)} ${one.sum}`,
    `${name}_count${braced(one.labels)} ${one.count}`,
  ];
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function render(names: readonly string[], values: LabelValues): string {
  return names.map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`).join(",");
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
