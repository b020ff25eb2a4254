import type { styleText } from "node:util";
import type { RequestJson } from "./notification-json.ts";
import type { LinePreview } from "./preview.ts";

/** Colours a text, or not: util.styleText, where the output is a terminal that wants it. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Lines of a body that are printed; all of it is in --json. */
const BODY_LINES_MAX = 60;
const BAR_CHARS = 20;
const INDENT = "    ";

/** One line of the file, for people. */
export function previewText(
  { line, key = "", notificationId, repeated, deliveries = [], requests = [], error }: LinePreview,
  paint: Paint,
): string {
  const title = [paint("dim", `line ${line}`), paint("bold", key), ...(repeated ? [paint("yellow", "this key was accepted before")] : [])];
  if (error) {
    const fields = error.fields?.map(({ field, description }) => `  ${paint("bold", field)}  ${description}`) ?? [`  ${error.message}`];
    return [title.filter(Boolean).join("  "), `  ${paint("red", `${error.code} ${error.reason}`)}`, ...fields, ""].join("\n");
  }
  const blocks = requests.map((request) => requestText(request, paint));
  return [title.join("  "), `  ${deliveriesText(deliveries)}  ${paint("dim", notificationId ?? "")}`, "", ...blocks].join("\n");
}

/** "3 deliveries: apns, sms (2 segments, ucs2, +49); 1 suppressed: opted-out". */
function deliveriesText(deliveries: NonNullable<LinePreview["deliveries"]>): string {
  const counts = Map.groupBy(deliveries, (d) => {
    const charged =
      d.form === undefined ? [] : d.form === "mms" ? [d.form] : [countOf(d.segments ?? 0, "segment"), d.form, d.destination ?? ""];
    const about = [d.suppressed === undefined ? "" : `suppressed: ${d.suppressed}`, d.copy ?? "", ...charged].filter(Boolean).join(", ");
    return about === "" ? d.channel : `${d.channel} (${about})`;
  });
  const parts = [...counts].map(([what, of]) => (of.length === 1 ? what : `${of.length} ${what}`));
  const all = deliveries.length === 1 ? "1 delivery" : `${deliveries.length} deliveries`;
  return `${all}: ${parts.join(", ")}`;
}

function requestText(request: RequestJson, paint: Paint): string {
  const { provider, channel, deliveries, endpoint, notSent, target, headers, warnings } = request;
  const more = deliveries > 1 ? ` and ${countOf(deliveries - 1, "other")} of ${channel}` : "";
  const to = paint("dim", `to ${endpoint}${more}`);
  const head = `  ${paint(notSent === undefined ? ["bold", "cyan"] : ["bold", "red"], provider)}  ${to}`;
  return [
    ...[head, ...(notSent === undefined ? [] : [`${INDENT}${paint("red", `never sent by ${provider}: ${notSent}`)}`])],
    ...(target === "" ? [] : [`${INDENT}${target}`]),
    ...Object.entries(headers).map(([name, value]) => paint("dim", `${INDENT}${name}: ${value}`)),
    ...["", ...bodyLines(request, paint).map((text) => (text === "" ? "" : INDENT + text)), ""],
    ...sizeLines(request, paint).map((text) => INDENT + text),
    ...warnings.map(({ field, message }) => `${INDENT}${paint("yellow", "!")} ${paint("yellow", field)}  ${message}`),
    "",
  ].join("\n");
}

function bodyLines({ form, body, bodyCut }: RequestJson, paint: Paint): string[] {
  if (body === "") return [];
  const lines = (form === "mime" || typeof body === "string" ? String(body) : JSON.stringify(body, null, 2)).trimEnd().split(/\r?\n/);
  const shown = lines.slice(0, BODY_LINES_MAX);
  const left = lines.length - shown.length;
  if (left > 0) shown.push(paint("dim", `… ${countOf(left, "more line")}; --json has ${bodyCut ? "the first 64 KiB" : "them"}`));
  else if (bodyCut) shown.push(paint("dim", "… the rest is left out"));
  return shown;
}

function sizeLines({ bytes, bytesMax, segments, smsForm }: RequestJson, paint: Paint): string[] {
  const charged = segments === undefined || smsForm === "mms" ? [] : [`${countOf(segments, "segment")} of ${smsForm}`];
  if (smsForm === "mms") charged.push("an MMS");
  if (bytesMax === undefined) return charged;
  const share = Math.min(1, bytes / bytesMax);
  const filled = Math.ceil(share * BAR_CHARS);
  const bar = paint(share > 0.9 ? "yellow" : "green", "█".repeat(filled)) + paint("dim", "░".repeat(BAR_CHARS - filled));
  return [`${bar} ${numberOf(bytes)} of ${numberOf(bytesMax)} bytes`, ...charged];
}

const numberOf = (n: number) => n.toLocaleString("en-US");
const countOf = (n: number, what: string) => `${numberOf(n)} ${what}${n === 1 ? "" : "s"}`;
