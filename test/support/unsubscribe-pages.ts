import type { Category } from "../../core/preferences/category.ts";
import type { PreferenceAccess } from "../../feedback/choices.ts";
import { startRecipientPages } from "./recipient-pages.ts";

const CATEGORIES: Category[] = [
  {
    ...{ name: "newsletter", default: "opted-in" },
    labels: { en: { title: "News & <offers>", description: "Twice a month" }, ko: { title: "소식지" } },
  },
  { name: "security", labels: { en: { title: "Security" }, ko: { title: "보안" } }, default: "required" },
];
export const ONE_CLICK = new URLSearchParams({ "List-Unsubscribe": "One-Click" });

/** The pages behind the link of a mail to one person, "ann". */
export async function serve(over: { preferences?: PreferenceAccess; inFlightMax?: number; isOn?: boolean } = {}) {
  const pages = await startRecipientPages({ ...over, categories: CATEGORIES });
  const counts = async () =>
    (await pages.metrics.unsubscribes.get()).values.map(({ labels, value }) => `${labels.what} ${labels.result} ${value}`);
  return { ...pages, claim: pages.mailClaim, pathOf: pages.unsubscribePathOf, pathOfPage: pages.pathOf, counts };
}
