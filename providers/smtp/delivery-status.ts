/** What a report says of one recipient (RFC 3464, section 2.3). */
export interface RecipientStatus {
  action: "failed" | "delayed" | "delivered" | "relayed" | "expanded";
  /** Enhanced status code: RFC 3463; undefined where it is missing or no code. */
  status: string | undefined;
}

const ACTIONS = ["failed", "delayed", "delivered", "relayed", "expanded"] as const;
/** Recipients of one report that are read. A mail of ours has one, which a list or an alias may expand. */
const RECIPIENTS_MAX = 100;
/** Not a part of an address as 192.5.1.1. */
const CODE = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/;

/** The recipients of a message/delivery-status body: groups of fields with an empty line between, of which the one about the message has no Action. */
export function parseDeliveryStatus(text: string): RecipientStatus[] {
  const recipients: RecipientStatus[] = [];
  for (const group of text.replace(/\r\n?/g, "\n").split(/\n[ \t]*\n/)) {
    const fields = fieldsOf(group);
    if (recipients.length >= RECIPIENTS_MAX) break;
    const action = ACTIONS.find((known) => known === /^[a-z]+/.exec((fields.get("action") ?? "").toLowerCase())?.[0]);
    if (action !== undefined) recipients.push({ action, status: statusOf(fields) });
  }
  return recipients;
}

/** Some servers write 5.0.0 for every failure (Exim), and the code that says more into the reply that they quote. */
function statusOf(fields: ReadonlyMap<string, string>): string | undefined {
  const status = CODE.exec(fields.get("status") ?? "")?.[1];
  if (status !== undefined && !status.endsWith(".0.0")) return status;
  const quoted = CODE.exec(fields.get("diagnostic-code") ?? "")?.[1];
  return quoted !== undefined && (status === undefined || quoted[0] === status[0]) ? quoted : status;
}

/** By lower-case name, unfolded; the first of repeated ones. */
function fieldsOf(group: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of group.replace(/\n[ \t]+/g, " ").split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== "" && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}
