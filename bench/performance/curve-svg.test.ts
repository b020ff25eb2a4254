import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, axisOf, curveSvg } from "./curve-svg.ts";

const curve = {
  ...{ name: "load", title: "Latency & load", x: "offered /s", y: "p99 <ms>" },
  lines: [
    {
      name: "unary",
      points: [
        [100, 5],
        [200, 10],
        [400, 40],
      ],
    },
    {
      name: "batch",
      points: [
        [100, 4],
        [400, 39],
      ],
    },
  ],
} as const;
const numbers = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map((m) => m.slice(1).map(Number));

/** Every element is closed in the order in which it was opened, and text is escaped. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, end, name = "", rest = ""] of svg.matchAll(/<(\/?)([a-z]+)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (end) assert.equal(open.pop(), name);
    else if (!rest.endsWith("/")) open.push(name);
    for (const [, value = ""] of rest.matchAll(/="([^"]*)"/g)) assert.doesNotMatch(value, /<|&(?!amp;|lt;|quot;)|NaN|Infinity/);
  }
  assert.deepEqual(open, []);
  const text = svg.replace(/<style>.*?<\/style>/s, "").replace(/<\/?[a-z](?:[^<>"]|"[^"]*")*>/g, "");
  assert.doesNotMatch(text, /<|&(?!amp;|lt;|quot;)/);
}

test("a curve is well-formed SVG, whatever its names contain", () => {
  assertWellFormed(curveSvg(curve, 'a "subtitle" <of> it & more'));
  assert.throws(() => assertWellFormed("<svg><text>a</svg>"));
});

test("points are placed in proportion to their values, and above one another in their order", () => {
  const [first = []] = [...curveSvg(curve).matchAll(/class="line blue" d="M([^"]+)"/g)].map((m) =>
    m[1]!.split("L").map((point) => point.split(" ").map(Number)),
  );
  const [a = [], b = [], c = []] = first;
  // 100 and 200 lie as far apart as 0 and 100; twice as far are 200 and 400.
  assert.ok(Math.abs(c[0]! - b[0]! - 2 * (b[0]! - a[0]!)) < 0.5);
  assert.ok(Math.abs(b[1]! - c[1]! - 6 * (a[1]! - b[1]!)) < 0.5);
});

test("an axis starts at 0 and covers its highest value with round ticks", () => {
  const { ticks, place } = axisOf([3, 47]);
  assert.deepEqual(ticks, [0, 10, 20, 30, 40, 50]);
  assert.deepEqual([place(0), place(25), place(50)], [0, 0.5, 1]);
  assert.deepEqual(axisOf([0, 0]).ticks.slice(0, 2), [0, 0.2]);
});

test("an axis is logarithmic where its values span more than two powers of ten", () => {
  const { ticks, place } = axisOf([10_000, 10_000_000]);
  assert.deepEqual(ticks, [10_000, 100_000, 1_000_000, 10_000_000]);
  assert.ok(Math.abs(place(100_000) - 1 / 3) < 1e-9);
});

test("labels of lines that end together do not overlap", () => {
  assert.deepEqual(apart([100, 101, 40], 15, 200), [86, 101, 40]);
  assert.deepEqual(apart([100, 100], 15, 100), [100, 85]);
  const labels = numbers(curveSvg(curve), /class="name [a-z]+" x="[\d.]+" y="([\d.]+)"/g).flat();
  assert.ok(Math.abs(labels[0]! - labels[1]!) >= 15);
});

test("a curve without points is a bug of its question", () => {
  assert.throws(() => curveSvg({ ...curve, lines: [{ name: "unary", points: [] }] }), /no points/);
});
