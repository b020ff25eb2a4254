import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { brandColors, colorFaults, contrast } from "./brand.ts";

test("contrast is that of WCAG", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21);
  assert.equal(contrast("#777777", "#ffffff").toFixed(2), "4.48");
  assert.equal(contrast("#ffffff", "#ffffff"), 1);
});

test("whatever the color, what is not given can be read and seen", () => {
  const color = fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, "0")}`);
  fc.assert(
    fc.property(color, (background) => assert.deepEqual(colorFaults(brandColors({ background })), [])),
    { numRuns: 2_000, seed: 15 },
  );
});

const FAULTS: readonly (readonly [what: string, colors: Parameters<typeof brandColors>[0], fault: RegExp | undefined])[] = [
  ["the design's own", { background: "#1f5c4a", text: "#ffffff", mark: "#1f5c4a", markDark: "#5fb497" }, undefined],
  ["text below 4.5:1", { background: "#777777", text: "#ffffff" }, /text-color on color has a contrast of 4\.47:1, and must have 4\.5:1/],
  [
    "a mark below 3:1 on white",
    { background: "#1f5c4a", mark: "#ffcc00" },
    /mark on the light surface #ffffff has a contrast of 1\.\d\d:1/,
  ],
  ["a mark below 3:1 on the dark surface", { background: "#1f5c4a", markDark: "#1f5c4a" }, /mark-dark on the dark surface/],
  ["no color", { background: "green" }, /color must be like #1f5c4a/],
];
for (const [what, colors, fault] of FAULTS)
  test(`colors: ${what}`, () => {
    const faults = colorFaults({ text: "#ffffff", mark: "#1f5c4a", markDark: "#5fb497", ...colors });
    assert.equal(faults.length, fault === undefined ? 0 : 1, faults.join());
    if (fault) assert.match(faults[0]!, fault);
  });
