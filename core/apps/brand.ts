/** How an app looks on the pages that its recipients see. */
export interface Brand {
  /** As people know it, by BCP 47 tag; empty: the app's id is shown. */
  names: Record<string, string>;
  colors?: BrandColors | undefined;
  logo?: Logo | undefined;
}

/** Each as "#rrggbb". */
export interface BrandColors {
  /** Behind the name and of the main button, in both themes. */
  background: string;
  /** On it. */
  text: string;
  /** Of checked boxes and the edge of the main button, on the surface of the light theme and of the dark one. */
  mark: string;
  markDark: string;
}

export interface Logo {
  type: "image/svg+xml" | "image/png";
  base64: string;
}

/** Bytes of a logo, which is read with the app's record at each lookup of a key. */
export const LOGO_BYTES_MAX = 16_384;
export const BRAND_NAMES_MAX = 20;
export const BRAND_NAME_CHARS_MAX = 60;

/** WCAG 2.2, 1.4.3: text against what is behind it. */
const TEXT_CONTRAST_MIN = 4.5;
/** WCAG 2.2, 1.4.11: what must be seen of a control. */
const MARK_CONTRAST_MIN = 3;
/** --surface in web/styles/tokens.css. */
const SURFACE = { light: "#ffffff", dark: "#18191c" } as const;

export const COLOR = /^#[0-9a-f]{6}$/;

const channels = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

/** WCAG 2.2, relative luminance of sRGB. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = channels(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** 1 to 21. */
export function contrast(a: string, b: string): number {
  const [one, other] = [luminance(a), luminance(b)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

/** What is missing, from the background: text in white or black, whichever is seen better, and marks as near to it as can be seen. */
export function brandColors(given: Pick<BrandColors, "background"> & Partial<BrandColors>): BrandColors {
  const { background } = given;
  const white = contrast("#ffffff", background) >= contrast("#000000", background);
  return {
    background,
    text: given.text ?? (white ? "#ffffff" : "#000000"),
    mark: given.mark ?? visible(background, "#000000", SURFACE.light),
    markDark: given.markDark ?? visible(background, "#ffffff", SURFACE.dark),
  };
}

/** The color, mixed with as little of another as makes it visible on a surface. */
function visible(color: string, towards: string, surface: string): string {
  for (let percent = 0; percent <= 100; percent += 5) {
    const mixed = mix(color, towards, percent / 100);
    if (contrast(mixed, surface) >= MARK_CONTRAST_MIN) return mixed;
  }
  return towards;
}

function mix(color: string, other: string, share: number): string {
  const to = channels(other);
  const mixed = channels(color).map((value, i) => Math.round(value + (to[i]! - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** What is wrong with a brand's colors, in words; none: nothing. */
export function colorFaults({ background, text, mark, markDark }: BrandColors): string[] {
  const faults = Object.entries({ color: background, "text-color": text, mark, "mark-dark": markDark })
    .filter(([, color]) => !COLOR.test(color))
    .map(([name]) => `${name} must be like #1f5c4a`);
  if (faults.length > 0) return faults;
  return [
    tooLow("text-color on color", contrast(text, background), TEXT_CONTRAST_MIN),
    tooLow(`mark on the light surface ${SURFACE.light}`, contrast(mark, SURFACE.light), MARK_CONTRAST_MIN),
    tooLow(`mark-dark on the dark surface ${SURFACE.dark}`, contrast(markDark, SURFACE.dark), MARK_CONTRAST_MIN),
  ].flatMap((fault) => fault ?? []);
}

function tooLow(what: string, ratio: number, min: number): string | undefined {
  return ratio >= min ? undefined : `${what} has a contrast of ${(Math.floor(ratio * 100) / 100).toFixed(2)}:1, and must have ${min}:1`;
}
