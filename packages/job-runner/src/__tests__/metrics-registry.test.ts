import { expect, test } from "bun:test";
import { createRegistry } from "../engine/metrics-registry.ts";

test("a counter without labels is there from the start, one with labels from its first addition", () => {
  const registry = createRegistry();
  const plain = registry.counter("plain_total", "Plain.");
  const labelled = registry.counter("labelled_total", "Labelled.", ["result"]);
  expect(registry.text()).toBe(
    "# HELP plain_total Plain.\n# TYPE plain_total counter\nplain_total 0\n" +
      "# HELP labelled_total Labelled.\n# TYPE labelled_total counter\n",
  );
  plain.add(2);
  labelled.add(1, "ok");
  labelled.add(3, "ok");
  labelled.add(1, "failed");
  expect(registry.text()).toContain("plain_total 2\n");
  expect(registry.text()).toContain('labelled_total{result="ok"} 4\nlabelled_total{result="failed"} 1\n');
  expect(labelled.total("ok")).toBe(4);
});

test("a histogram without labels is there from the start", () => {
  const registry = createRegistry();
  registry.histogram("wait_seconds", "Wait.", [0.1]);
  expect(registry.text()).toContain('wait_seconds_bucket{le="0.1"} 0\nwait_seconds_bucket{le="+Inf"} 0\n');
  expect(registry.text()).toContain("wait_seconds_sum 0\nwait_seconds_count 0\n");
});

test("a histogram's buckets count everything below them, and its sum and count all", () => {
  const registry = createRegistry();
  const seconds = registry.histogram("wait_seconds", "Wait.", [0.1, 1], ["pool"]);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value, "a");
  expect(registry.text().split("\n").slice(2, -1)).toEqual([
    'wait_seconds_bucket{pool="a",le="0.1"} 2',
    'wait_seconds_bucket{pool="a",le="1"} 3',
    'wait_seconds_bucket{pool="a",le="+Inf"} 4',
    'wait_seconds_sum{pool="a"} 7.65',
    'wait_seconds_count{pool="a"} 4',
  ]);
});

test("a gauge is read when it is scraped", () => {
  const registry = createRegistry();
  let depth = 1;
  registry.observed("gauge", "depth", "Depth.", () => depth);
  registry.observed("gauge", "pools", "Pools.", () => [{ value: 3, labels: ["a"] }], ["pool"]);
  depth = 7;
  expect(registry.text()).toContain("depth 7\n");
  expect(registry.text()).toContain('pools{pool="a"} 3\n');
});

test("escapes characters that would break a line", () => {
  const registry = createRegistry();
  registry.counter("odd_total", "Odd.", ["label"]).add(1, 'a"b\\c\nd');
  expect(registry.text()).toContain('odd_total{label="a\\"b\\\\c\\nd"} 1\n');
});
