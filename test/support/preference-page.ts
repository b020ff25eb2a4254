import type { PreferenceAccess } from "../../feedback/choices.ts";
import { startRecipientPages } from "./recipient-pages.ts";

export const DAY_MS = 86_400_000;

/** Name and state of each checkbox. */
export const boxesOf = (page: string) =>
  Object.fromEntries(
    [...page.matchAll(/<input type="checkbox" name="([^"]+)"( checked)?( disabled)?/g)].map(([, name, checked, disabled]) => [
      name,
      disabled ? "disabled" : checked ? "on" : "off",
    ]),
  );
export const hiddenOf = (page: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? "";

/** The page of preferences of one person, "ann", and what their browser sends. */
export async function serve(over: { preferences?: PreferenceAccess } = {}) {
  const pages = await startRecipientPages(over);
  const path = pages.pathOf();
  const page = async (at = path, headers: Record<string, string> = {}) => (await pages.ask(at, { headers })).text();
  const post = (fields: Record<string, string>, at = path) => pages.post(at, fields);
  /** Saves as a browser does: with everything that the page showed, and these boxes otherwise. */
  const save = (shown: string, boxes: Record<string, boolean>) => {
    const on = Object.entries({ ...boxesOf(shown), ...Object.fromEntries(Object.entries(boxes).map(([n, is]) => [n, is ? "on" : "off"])) });
    const checked = on.filter(([, state]) => state === "on").map(([name]) => [name, "on"]);
    return post({ version: hiddenOf(shown, "version"), was: hiddenOf(shown, "was"), save: "choices", ...Object.fromEntries(checked) });
  };
  return { ...pages, path, page, post, save };
}
