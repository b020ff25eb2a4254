// What drawings of the documentation share: a head with title and subtitle, and colours that are legible on light and on dark pages.

export type Hue = "grey" | "blue" | "green" | "amber" | "purple" | "red";
export type Palette = Readonly<Record<"ink" | "soft" | "rule" | Hue, string>>;

const LIGHT: Palette = {
  ...{ ink: "#24292f", soft: "#57606a", rule: "#d0d7de", red: "#cf222e" },
  ...{ grey: "#8c959f", blue: "#0969da", green: "#1a7f37", amber: "#9a6700", purple: "#8250df" },
};
const DARK: Palette = {
  ...{ ink: "#e6edf3", soft: "#9da7b3", rule: "#3d444d", red: "#f85149" },
  ...{ grey: "#9198a1", blue: "#4493f8", green: "#3fb950", amber: "#d29922", purple: "#ab7df8" },
};

/** A style sheet. Colours appear once for each kind of page, as not every viewer supports CSS variables. */
export const styleSheet = (shapes: string, coloured: (palette: Palette) => string): string =>
  `<style>\n${shapes}\n${coloured(LIGHT)}\n@media (prefers-color-scheme:dark){${coloured(DARK)}}\n</style>`;

export interface SvgHead {
  width: number;
  height: number;
  title: string;
  subtitle: string;
  style: string;
  /** Where the titles begin. */
  left: number;
}

export const svgHead = ({ width, height, title, subtitle, style, left }: SvgHead): string[] => [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(`${title}. ${subtitle}`)}">`,
  style,
  `<text class="title" x="${left}" y="22">${escaped(title)}</text><text class="small" x="${left}" y="40">${escaped(subtitle)}</text>`,
];

/** A step of 1, 2 or 5 times a power of ten that gives about this many ticks up to `most`. */
export function tickStep(most: number, count: number): number {
  const raw = most / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((n) => n * power >= raw) ?? 10);
}

/** To a tenth of a pixel. */
export const pixels = (value: number) => Math.round(value * 10) / 10;
export const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
