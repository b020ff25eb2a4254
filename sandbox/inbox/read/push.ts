import type { LedgerEntry } from "../../kit/ledger.ts";
import { type Fields, fieldsOf, textOf } from "../../kit/read.ts";
import type { PushParts } from "../view.ts";

/** What a device would show of a push. */
export interface ReadPush extends PushParts {
  title: string;
  body: string;
}

const hostOf = (url: unknown) => (URL.canParse(textOf(url)) ? new URL(textOf(url)).host : "");

/** A text, or the key of one that the application has. */
const worded = (text: unknown, key: unknown) => textOf(text) || (textOf(key) && `[${textOf(key)}]`);

const APNS_KINDS: Readonly<Record<string, PushParts["kind"]>> = { background: "silent", voip: "call", liveactivity: "live-activity" };

export function readApns({ payload, headers }: LedgerEntry): ReadPush {
  const fields = fieldsOf(payload);
  const given = fieldsOf(fields.aps).alert;
  const alert = typeof given === "string" ? { body: given } : fieldsOf(given);
  return {
    kind: APNS_KINDS[headers["apns-push-type"] ?? ""] ?? "alert",
    title: worded(alert.title, alert["title-loc-key"]),
    subtitle: worded(alert.subtitle, alert["subtitle-loc-key"]),
    body: worded(alert.body, alert["loc-key"]),
    opens: hostOf(fields.url),
    pictureFrom: hostOf(fields.image),
  };
}

export function readFcm({ payload }: LedgerEntry): ReadPush {
  const message = fieldsOf(fieldsOf(payload).message);
  const android = fieldsOf(fieldsOf(message.android).notification);
  const common = fieldsOf(message.notification);
  const shown: Fields = { ...common, ...android };
  const title = worded(shown.title, shown.title_loc_key ?? shown.titleLocKey);
  const body = worded(shown.body, shown.body_loc_key ?? shown.bodyLocKey);
  return {
    kind: title === "" && body === "" ? "silent" : "alert",
    title,
    subtitle: "",
    body,
    opens: hostOf(fieldsOf(message.data).url),
    pictureFrom: hostOf(shown.image),
  };
}

/** `notification` is what browsers read by themselves; title and body beside it are for a service worker. */
export function readWebPush({ payload }: LedgerEntry): ReadPush {
  const fields = fieldsOf(payload);
  const shown = { ...fields, ...fieldsOf(fields.notification) };
  const [title, body] = [textOf(shown.title), textOf(shown.body)];
  return {
    kind: title === "" && body === "" ? "silent" : "alert",
    ...{ title, subtitle: "", body },
    opens: hostOf(shown.navigate),
    pictureFrom: hostOf(shown.image),
  };
}
