import assert from "node:assert/strict";
import { test } from "node:test";
import { picture } from "./picture.ts";
import type { Sample } from "./timeline.ts";

const sample = (at: number, over: Partial<Sample> = {}): Sample => ({
  ...{ at, offered: 10, required: 11, wanted: 2, ready: 2, open: 3, oldest: 1, scalingActive: true, held: false },
  ...over,
});
const about = { title: 'A <title> & "more"', subtitle: "below", ageMax: 30 };
const paths = (svg: string, kind: string) => [...svg.matchAll(new RegExp(`class="line ${kind}" d="([^"]+)"`, "g"))].map((m) => m[1]!);

test("an unknown value is a gap in its line, not a zero", () => {
  const samples = [sample(0), sample(1), sample(2, { required: undefined }), sample(3), sample(4)];
  const svg = picture({ samples, scenes: [], events: [] }, about);
  assert.equal(paths(svg, "required").length, 2);
  assert.equal(paths(svg, "load").length, 1);
});

test("a count of pods holds until it changes", () => {
  const svg = picture({ samples: [sample(0, { ready: 1 }), sample(10, { ready: 3 })], scenes: [], events: [] }, about);
  const [points = ""] = paths(svg, "ready");
  const ys = [...points.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((m) => Number(m[1]));
  assert.equal(ys.length, 3);
  assert.equal(ys[0], ys[1]);
  assert.ok(ys[2]! < ys[1]!, "three pods are drawn above one");
});

test("labels scenes and the bound, and escapes text", () => {
  const svg = picture(
    { samples: [sample(0), sample(9)], scenes: [{ name: "provider away", from: 2, to: 5 }], events: [{ at: 2, what: "cut" }] },
    about,
  );
  assert.match(svg, />provider</);
  assert.match(svg, /promised: 30 s/);
  assert.match(svg, /A &lt;title> &amp; &quot;more&quot;/);
});

test("the same samples give the same picture", () => {
  const timeline = { samples: [sample(0), sample(9)], scenes: [], events: [] };
  assert.equal(picture(timeline, about), picture(timeline, about));
});
