// A timeline as SVG: three panels over one another, legible on light and on dark pages.
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
  kind: "load" | "required" | "ready" | "wanted" | "age";
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
  const out: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(`${title}. ${subtitle}`)}">`,
    STYLE,
    `<text class="title" x="${LEFT}" y="22">${escaped(title)}</text><text class="small" x="${LEFT}" y="40">${escaped(subtitle)}</text>`,
  ];
  for (const [n, { name, from, to }] of scenes.entries()) {
    if (n % 2 === 1)
      out.push(
        `<rect class="scene" x="${round(x(from))}" y="${TOP - 12}" width="${round(x(to) - x(from))}" height="${bottom - TOP + 12}"/>`,
      );
    out.push(
      ...wrapped(name).map(
        (words, i) => `<text class="scene-name" x="${round((x(from) + x(to)) / 2)}" y="${bottom + 32 + 12 * i}">${escaped(words)}</text>`,
      ),
    );
  }
  for (const [n, panel] of panels.entries()) out.push(...drawn(panel, samples, x, TOP + n * (PANEL + GAP)));
  for (const [n, { at, what }] of events.entries()) {
    // On the side of its line that has room.
    const [side, anchor] = x(at) > WIDTH - 120 ? [-3, "end"] : [3, "start"];
    out.push(
      `<line class="event" x1="${round(x(at))}" x2="${round(x(at))}" y1="${TOP}" y2="${bottom}"/>`,
      `<text class="event-name" text-anchor="${anchor}" x="${round(x(at) + side)}" y="${TOP + PANEL + 13 + 12 * (n % 2)}">${escaped(what)}</text>`,
    );
  }
  for (let at = 0; at <= end; at += TICK_SECONDS) out.push(`<text class="tick" x="${round(x(at))}" y="${bottom + 15}">${clock(at)}</text>`);
  return `${out.join("\n")}\n</svg>\n`;
}

function drawn({ title, lines, bound }: Panel, samples: readonly Sample[], x: (at: number) => number, top: number): string[] {
  const most = Math.max(1, bound?.at ?? 0, ...samples.flatMap((s) => lines.map((l) => l.of(s) ?? 0))) * 1.08;
  const y = (value: number) => top + PANEL - (value / most) * PANEL;
  const out = [`<text class="panel" x="${LEFT}" y="${top - 8}">${escaped(title)}</text>`];
  for (let value = 0; value <= most; value += tick(most, 4))
    out.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(value))}" y2="${round(y(value))}"/>`,
      `<text class="value" x="${LEFT - 6}" y="${round(y(value) + 4)}">${value}</text>`,
    );
  if (bound)
    out.push(
      `<line class="bound" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(bound.at))}" y2="${round(y(bound.at))}"/>`,
      `<text class="bound-name" x="${WIDTH - RIGHT - 4}" y="${round(y(bound.at) - 5)}">${escaped(bound.label)}</text>`,
    );
  let legend = WIDTH - RIGHT;
  for (const line of lines) {
    for (const run of runs(samples, line)) {
      const points = run.map(({ at, value }, i) => {
        const step = line.steps && i > 0 ? `L${round(x(at))} ${round(y(run[i - 1]!.value))}` : "";
        return `${step}${i === 0 ? "M" : "L"}${round(x(at))} ${round(y(value))}`;
      });
      const first = run[0]!;
      const last = run.at(-1)!;
      if (line.filled)
        out.push(`<path class="fill ${line.kind}" d="${points.join("")}L${round(x(last.at))} ${y(0)}L${round(x(first.at))} ${y(0)}Z"/>`);
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

/** A tick step of 1, 2 or 5 times a power of ten that gives about this many ticks. */
function tick(most: number, count: number): number {
  const raw = Math.max(1, most / count);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((n) => n * power >= raw) ?? 10);
}

const round = (value: number) => Math.round(value * 10) / 10;
const clock = (at: number) => `${Math.floor(at / 60)}:${String(Math.round(at % 60)).padStart(2, "0")}`;
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
/** Two lines at most. */
function wrapped(name: string): string[] {
  const words = name.split(" ");
  const half = Math.ceil(words.length / 2);
  return name.length <= 12 ? [name] : [words.slice(0, half).join(" "), words.slice(half).join(" ")].filter((line) => line !== "");
}

type Colours = Record<"ink" | "soft" | "rule" | "bound" | Line["kind"], string>;
const LIGHT: Colours = {
  ...{ ink: "#24292f", soft: "#57606a", rule: "#d0d7de", bound: "#cf222e" },
  ...{ load: "#8c959f", required: "#0969da", ready: "#1a7f37", wanted: "#9a6700", age: "#8250df" },
};
const DARK: Colours = {
  ...{ ink: "#e6edf3", soft: "#9da7b3", rule: "#3d444d", bound: "#f85149" },
  ...{ load: "#9198a1", required: "#4493f8", ready: "#3fb950", wanted: "#d29922", age: "#ab7df8" },
};

/** Without CSS variables, which not every viewer supports. */
const painted = (c: Colours) =>
  [
    `text{fill:${c.soft}}.title,.panel{fill:${c.ink}}.grid{stroke:${c.rule}}.bound,.event{stroke:${c.soft}}.bound{stroke:${c.bound}}.bound-name{fill:${c.bound}}`,
    ...(["load", "required", "ready", "wanted", "age"] as const).map((k) => `.line.${k}{stroke:${c[k]}}.fill.${k},text.${k}{fill:${c[k]}}`),
  ].join("");

const STYLE = `<style>
text{font:12px ui-sans-serif,system-ui,sans-serif}.title{font-size:16px}.title,.panel{font-weight:600}
.value,.legend,.bound-name{text-anchor:end}.tick,.scene-name{text-anchor:middle}.scene-name,.event-name{font-size:11px}
.scene{fill:#8b949e;opacity:.12}.grid{stroke-width:.6}.bound{stroke-dasharray:5 4}.event{stroke-dasharray:2 3}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.fill{stroke:none;opacity:.16}
${painted(LIGHT)}
@media (prefers-color-scheme:dark){${painted(DARK)}}
</style>`;
