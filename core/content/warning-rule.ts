import type { ContentPart } from "../delivery/channel.ts";
import type { Content } from "./content.ts";
import type { OverrideProvider } from "./used-overrides.ts";

/** Every provider there is, by its name in attempts. */
export type ProviderName = OverrideProvider | "smtp";

/** A row of the table of warnings: when it applies, and what it says. */
export interface WarningRule {
  /** For programs to compare; never changes. */
  code: string;
  /** From the notification on, for example content.push.image_url. */
  field: string;
  providers: readonly ProviderName[];
  /** For people; undefined: there is nothing to warn of. */
  says(content: Content): string | undefined;
}

/** Makes rules about one part of a content. They are not asked where it is absent. */
export const rulesFor =
  <Part extends ContentPart>(part: Part) =>
  (
    code: string,
    field: string,
    providers: readonly ProviderName[],
    says: (content: NonNullable<Content[Part]>) => string | false | undefined,
  ): WarningRule => ({
    ...{ code, field: `content.${part}.${field}`, providers },
    says: ({ [part]: content }) => (content && says(content)) || undefined,
  });
