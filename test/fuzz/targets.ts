// Everything that reads bytes from outside: requests, tasks, webhooks, addresses, keys, lines.
import type { FuzzTarget } from "./fuzz.ts";
import { UNSUBSCRIBE_FORM, UNSUBSCRIBE_TOKEN } from "./targets/links.ts";
import { JSON_REQUEST, REQUESTS, TASK } from "./targets/messages.ts";
import { BOUNCE, RETURN_PATH, WEBHOOKS } from "./targets/providers.ts";
import { API_KEY, ENDPOINT, LINE, PUSH_URL } from "./targets/texts.ts";

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...REQUESTS,
  TASK,
  JSON_REQUEST,
  ...WEBHOOKS,
  UNSUBSCRIBE_TOKEN,
  UNSUBSCRIBE_FORM,
  RETURN_PATH,
  BOUNCE,
  PUSH_URL,
  ENDPOINT,
  API_KEY,
  LINE,
];
