import { apnsPayload } from "../kit/aps.ts";
import { type Check, inWords, mistakesIn } from "../kit/fields.ts";

const PUSH_TYPES = ["alert", "background", "liveactivity"];
const CHECKS = new Map<string, Check>(PUSH_TYPES.map((type) => [type, apnsPayload(type)]));
const otherwise = apnsPayload("");

/** The first thing wrong with a payload of this push type, in words. */
export function payloadMistake(pushType: string, payload: unknown): string | undefined {
  const [first] = mistakesIn(CHECKS.get(pushType) ?? otherwise, payload);
  return first && inWords(first);
}
