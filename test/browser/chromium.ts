import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** For one step in the browser, in ms: on a busy machine a page takes seconds. */
const STEP_MS_MAX = 30_000;

/** For the first start, in ms: a Chromium that was just installed is read from a cold disk. */
const LAUNCH_MS_MAX = 120_000;

/** The first of these on PATH, or what CHROMIUM names. */
function findChromium(): string {
  const { CHROMIUM, PATH = "" } = process.env;
  const found =
    // Empty is as good as not set.
    CHROMIUM ||
    PATH.split(delimiter)
      .flatMap((folder) => NAMES.map((name) => join(folder, name)))
      .find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`there is no ${NAMES.join(", ")} on PATH; \`make test-browser\` installs Debian's, or CHROMIUM names one`);
  return found;
}

/** Root, as in containers, needs --no-sandbox; the rest makes pictures the same each time. */
const ARGS = [
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--font-render-hinting=none",
  "--hide-scrollbars",
  "--disable-lcd-text",
];

export const startChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium(), args: ARGS, timeout: LAUNCH_MS_MAX });

/** A page of a fresh browser profile, and what it asked of whom. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context: BrowserContext = await browser.newContext({
    viewport: { width: 1_100, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(STEP_MS_MAX);
  const page: Page = await context.newPage();
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const faults: string[] = [];
  page.on("request", (request) => requests.push({ url: request.url(), headers: request.headers() }));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  return { page, requests, faults, [Symbol.asyncDispose]: () => context.close() };
}
