// A timeline as SVG: three panels over one another, legible on light and on dark pages.
import { escaped, type Palette, pixels, styleSheet, svgHead, tickStep } from "../support/svg.ts";
import type { Sample, Timeline } from "./timeline.ts";

const WIDTH = 960;
const LEFT = 56;
const RIGHT = 16;
const TOP = 78;
const PANEL = 150;
const GAP = 54;
const TICK_SECONDS = 30;

interface Line {
  label: string;
  /** A class of the style sheet: its colour. */
  kind: keyof typeof HUES;
  of(sample: Sample): number | undefined;
  /** Holds its value until the next sample. */
  steps?: boolean;
  filled?: boolean;
}
interface Panel {
  title: string;
  lines: readonly Line[];
  /** A dashed line. */
  bound?: { at: number; label: string };
}

export interface PictureOptions {
  title: string;
  subtitle: string;
  /** A delivery older than this breaks what was promised, seconds. */
  ageMax: number;
}

export function picture({ samples, scenes, events }: Timeline, { title, subtitle, ageMax }: PictureOptions): string {
  const panels: readonly Panel[] = [
    {
      title: "Tasks per second",
      lines: [
        { label: "accepted", kind: "load", of: (s) => s.offered, filled: true },
        { label: "required, as the autoscaler says", kind: "required", of: (s) => s.required },
      ],
    },
    {
      title: "Dispatcher pods",
      lines: [
        { label: "ready", kind: "ready", of: (s) => s.ready, steps: true, filled: true },
        { label: "wanted by the HPA", kind: "wanted", of: (s) => s.wanted, steps: true },
      ],
    },
    {
      title: "Oldest open delivery, seconds",
      lines: [{ label: "age", kind: "age", of: (s) => s.oldest, filled: true }],
      bound: { at: ageMax, label: `promised: ${ageMax} s` },
    },
  ];
  const end = Math.max(1, samples.at(-1)?.at ?? 1);
  const x = (at: number) => LEFT + (at / end) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + panels.length * PANEL + (panels.length - 1) * GAP;
  const height = bottom + 56;
  const out = svgHead({ width: WIDTH, height, title, subtitle, style: STYLE, left: LEFT });
  for (const [n, { name, from, to }] of scenes.entries()) {
    if (n % 2 === 1)
      out.push(
        `<rect class="scene" x="${pixels(x(from))}" y="${TOP - 12}" width="${pixels(x(to) - x(from))}" height="${bottom - TOP + 12}"/>`,
      );
    out.push(
      ...wrapped(name).map(
        (words, i) => `<text class="scene-name" x="${pixels((x(from) + x(to)) / 2)}" y="${bottom + 32 + 12 * i}">${escaped(words)}</text>`,
      ),
    );
  }
  for (const [n, panel] of panels.entries()) out.push(...drawn(panel, samples, x, TOP + n * (PANEL + GAP)));
  for (const [n, { at, what }] of events.entries()) {
    // On the side of its line that has room.
    const [side, anchor] = x(at) > WIDTH - 120 ? [-3, "end"] : [3, "start"];
    out.push(
      `<line class="event" x1="${pixels(x(at))}" x2="${pixels(x(at))}" y1="${TOP}" y2="${bottom}"/>`,
      `<text class="event-name" text-anchor="${anchor}" x="${pixels(x(at) + side)}" y="${TOP + PANEL + 13 + 12 * (n % 2)}">${escaped(what)}</text>`,
    );
  }
  for (let at = 0; at <= end; at += TICK_SECONDS)
    out.push(`<text class="tick" x="${pixels(x(at))}" y="${bottom + 15}">${clock(at)}</text>`);
  return `${out.join("\n")}\n</svg>\n`;
}

function drawn({ title, lines, bound }: Panel, samples: readonly Sample[], x: (at: number) => number, top: number): string[] {
  const most = Math.max(1, bound?.at ?? 0, ...samples.flatMap((s) => lines.map((l) => l.of(s) ?? 0))) * 1.08;
  const y = (value: number) => top + PANEL - (value / most) * PANEL;
  const out = [`<text class="panel" x="${LEFT}" y="${top - 8}">${escaped(title)}</text>`];
  for (let value = 0; value <= most; value += Math.max(1, tickStep(most, 4)))
    out.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${pixels(y(value))}" y2="${pixels(y(value))}"/>`,
      `<text class="value" x="${LEFT - 6}" y="${pixels(y(value) + 4)}">${value}</text>`,
    );
  if (bound)
    out.push(
      `<line class="bound" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${pixels(y(bound.at))}" y2="${pixels(y(bound.at))}"/>`,
      `<text class="bound-name" x="${WIDTH - RIGHT - 4}" y="${pixels(y(bound.at) - 5)}">${escaped(bound.label)}</text>`,
    );
  let legend = WIDTH - RIGHT;
  for (const line of lines) {
    for (const run of runs(samples, line)) {
      const points = run.map(({ at, value }, i) => {
        const step = line.steps && i > 0 ? `L${pixels(x(at))} ${pixels(y(run[i - 1]!.value))}` : "";
        return `${step}${i === 0 ? "M" : "L"}${pixels(x(at))} ${pixels(y(value))}`;
      });
      const first = run[0]!;
      const last = run.at(-1)!;
      if (line.filled)
        out.push(`<path class="fill ${line.kind}" d="${points.join("")}L${pixels(x(last.at))} ${y(0)}L${pixels(x(first.at))} ${y(0)}Z"/>`);
      out.push(`<path class="line ${line.kind}" d="${points.join("")}"/>`);
    }
  }
  for (const line of [...lines].reverse()) {
    out.push(`<text class="legend ${line.kind}" x="${legend}" y="${top - 8}">${escaped(line.label)}</text>`);
    legend -= line.label.length * 6.6 + 18;
  }
  return out;
}

/** Runs of values without a gap. */
function runs(samples: readonly Sample[], { of }: Line): { at: number; value: number }[][] {
  const all: { at: number; value: number }[][] = [];
  let current: { at: number; value: number }[] = [];
  for (const sample of samples) {
    const value = of(sample);
    if (value !== undefined) current.push({ at: sample.at, value });
    else if (current.length > 0) {
      all.push(current);
      current = [];
    }
  }
  return current.length > 0 ? [...all, current] : all;
}

const clock = (at: number) => `${Math.floor(at / 60)}:${String(Math.round(at % 60)).padStart(2, "0")}`;
/** Two lines at most. */
function wrapped(name: string): string[] {
  const words = name.split(" ");
  const half = Math.ceil(words.length / 2);
  return name.length <= 12 ? [name] : [words.slice(0, half).join(" "), words.slice(half).join(" ")].filter((line) => line !== "");
}

const HUES = { load: "grey", required: "blue", ready: "green", wanted: "amber", age: "purple" } as const;

const coloured = (c: Palette) =>
  [
    `text{fill:${c.soft}}.title,.panel{fill:${c.ink}}.grid{stroke:${c.rule}}.bound,.event{stroke:${c.soft}}.bound{stroke:${c.red}}.bound-name{fill:${c.red}}`,
    ...Object.entries(HUES).map(([kind, hue]) => `.line.${kind}{stroke:${c[hue]}}.fill.${kind},text.${kind}{fill:${c[hue]}}`),
  ].join("");

const STYLE = styleSheet(
  `text{font:12px ui-sans-serif,system-ui,sans-serif}.title{font-size:16px}.title,.panel{font-weight:600}
.value,.legend,.bound-name{text-anchor:end}.tick,.scene-name{text-anchor:middle}.scene-name,.event-name{font-size:11px}
.scene{fill:#8b949e;opacity:.12}.grid{stroke-width:.6}.bound{stroke-dasharray:5 4}.event{stroke-dasharray:2 3}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.fill{stroke:none;opacity:.16}`,
  coloured,
);
