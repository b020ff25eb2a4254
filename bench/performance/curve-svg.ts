// A curve as SVG: a plain line chart whose lines are named where they end.
import { escaped, type Hue, pixels, styleSheet, svgHead, tickStep } from "../../test/support/svg.ts";
import type { Curve } from "./figure.ts";

const WIDTH = 760;
const HEIGHT = 400;
const [LEFT, TOP, BOTTOM] = [64, 70, 52];
/** Width of a character of a label, in pixels. */
const CHARACTER = 6.6;
/** Distance of two labels, and of a label from its line. */
const LABEL_HEIGHT = 15;
const LABEL_GAP = 8;
const TICKS = 5;
/** More points than this are drawn without dots. */
const DOTS_MAX = 40;
/** An axis whose values differ by more than this is logarithmic. */
const LINEAR_MAX = 100;
const HUES: readonly Hue[] = ["blue", "amber", "green", "purple", "red", "grey"];

export interface Axis {
  /** Share of the axis's length at which a value lies, in [0, 1]. */
  place(value: number): number;
  ticks: readonly number[];
}

/** From 0 to a little over the highest value; logarithmic where the values, all positive, span more than LINEAR_MAX. */
export function axisOf(values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > LINEAR_MAX) return logarithmic(low, high);
  const step = tickStep(high > 0 ? high : 1, TICKS);
  const steps = Math.max(1, Math.ceil(high / step - 1e-9));
  return { place: (value) => value / (steps * step), ticks: Array.from({ length: steps + 1 }, (_, i) => i * step) };
}

function logarithmic(low: number, high: number): Axis {
  const from = Math.floor(Math.log10(low) + 1e-9);
  const to = Math.ceil(Math.log10(high) - 1e-9);
  return {
    place: (value) => (Math.log10(value) - from) / (to - from),
    ticks: Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)),
  };
}

export function curveSvg({ title, x, y, lines }: Curve, subtitle = ""): string {
  const drawn = lines.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((line) => line.points);
  if (points.length === 0) throw new Error(`the curve "${title}" has no points`);
  const longest = Math.max(...drawn.map(({ name }) => name.length));
  const [right, bottom] = [WIDTH - LABEL_GAP - longest * CHARACTER - 12, HEIGHT - BOTTOM];
  const across = axisOf(points.map(([at]) => at));
  const up = axisOf(points.map(([, value]) => value));
  const toX = (value: number) => pixels(LEFT + across.place(value) * (right - LEFT));
  const toY = (value: number) => pixels(bottom - up.place(value) * (bottom - TOP));
  const labels = apart(
    drawn.map((line) => toY(line.points.at(-1)![1])),
    LABEL_HEIGHT,
    bottom,
  );
  return [
    ...svgHead({ width: WIDTH, height: HEIGHT, title, subtitle, style: STYLE, left: LEFT }),
    ...up.ticks.flatMap((value) => [
      `<line class="grid" x1="${LEFT}" x2="${pixels(right)}" y1="${toY(value)}" y2="${toY(value)}"/>`,
      `<text class="value" x="${LEFT - 8}" y="${pixels(toY(value) + 4)}">${number(value)}</text>`,
    ]),
    ...across.ticks.flatMap((value) => [
      `<line class="grid" x1="${toX(value)}" x2="${toX(value)}" y1="${TOP}" y2="${bottom}"/>`,
      `<text class="tick" x="${toX(value)}" y="${bottom + 17}">${number(value)}</text>`,
    ]),
    `<text class="axis" x="${LEFT}" y="${TOP - 12}">${escaped(y)}</text>`,
    `<text class="axis tick" x="${pixels((LEFT + right) / 2)}" y="${HEIGHT - 14}">${escaped(x)}</text>`,
    ...drawn.flatMap((line, i) => {
      const places = line.points.map(([at, value]) => `${toX(at)} ${toY(value)}`);
      const end = line.points.at(-1)!;
      return [
        `<path class="line ${hue(i)}" d="M${places.join("L")}"/>`,
        ...(line.points.length > DOTS_MAX
          ? []
          : line.points.map(([at, value]) => `<circle class="dot ${hue(i)}" cx="${toX(at)}" cy="${toY(value)}" r="2.6"/>`)),
        `<text class="name ${hue(i)}" x="${pixels(toX(end[0]) + LABEL_GAP)}" y="${pixels(labels[i]! + 4)}">${escaped(line.name)}</text>`,
      ];
    }),
    "</svg>\n",
  ].join("\n");
}

const hue = (line: number): Hue => HUES[line % HUES.length]!;
const number = (value: number) =>
  value >= 1_000_000 ? `${Number((value / 1e6).toPrecision(3))}M` : Number(value.toPrecision(6)).toLocaleString("en");

/** The same places in the same order, moved so that they are at least `distance` apart and none is below `bottom`. */
export function apart(places: readonly number[], distance: number, bottom: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[b]! - places[a]!);
  const moved = [...places];
  let limit = bottom;
  for (const i of order) {
    moved[i] = Math.min(places[i]!, limit);
    limit = moved[i]! - distance;
  }
  return moved;
}

const STYLE = styleSheet(
  `text{font:12px ui-sans-serif,system-ui,sans-serif}.title{font-size:16px;font-weight:600}
.value{text-anchor:end}.tick{text-anchor:middle}.name{font-weight:600}
.grid{stroke-width:.6}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}`,
  (c) =>
    [
      `text{fill:${c.soft}}.title{fill:${c.ink}}.grid{stroke:${c.rule}}`,
      ...HUES.map((name) => `.line.${name}{stroke:${c[name]}}.dot.${name},text.${name}{fill:${c[name]}}`),
    ].join(""),
);
