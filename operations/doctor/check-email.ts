import type { DKIMResult, DNSResolver } from "mailauth";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import PostalMime, { type Email } from "postal-mime";
import { isListUnsubscribe, ONE_CLICK_VALUE } from "../../core/content/email-headers.ts";

/** ok: as it must be; bad: mail programs will show no button, or reject the mail; note: worth knowing. */
export interface Finding {
  kind: "ok" | "bad" | "note";
  about: string;
  says: string;
}

/** Both must be in the h= of one valid signature (RFC 8058, section 4). */
const COVERED = ["list-unsubscribe", "list-unsubscribe-post"];

/**
 * What a mail program finds that looks for one-click unsubscribe in a mail that was received, and whether Gmail and Yahoo would believe it.
 * @param resolver of the signatures' keys, as node:dns resolves names
 */
export async function checkEmail(message: Buffer, resolver: DNSResolver): Promise<Finding[]> {
  const email = await PostalMime.parse(message);
  const { results, fromFields } = await dkimVerify(message, { resolver });
  return [...headerFindings(email), ...bodyFindings(email), ...fromFindings(email, fromFields), ...signatureFindings(results)];
}

const valuesOf = ({ headers }: Email, name: string): string[] => headers.flatMap(({ key, value }) => (key === name ? [value.trim()] : []));

function headerFindings(email: Email): Finding[] {
  const uris = valuesOf(email, "list-unsubscribe");
  const posts = valuesOf(email, "list-unsubscribe-post");
  const ids = valuesOf(email, "list-id");
  return [
    headerFinding("List-Unsubscribe", uris, (value) =>
      !isListUnsubscribe(value)
        ? "must be https or mailto URIs in angle brackets, with commas between them"
        : /<https:/i.test(value)
          ? undefined
          : "has no https URI, and so no one-click",
    ),
    headerFinding("List-Unsubscribe-Post", posts, (value) => (value === ONE_CLICK_VALUE ? undefined : `must be ${ONE_CLICK_VALUE}`)),
    ids.length === 1 && /<[^\s<>]+>$/.test(ids[0]!)
      ? ok("List-Id", ids[0]!)
      : note(
          "List-Id",
          ids.length === 0 ? "is missing: filters and reports tell mails of one kind by it" : "must be once, and end with <…>",
        ),
  ];
}

function headerFinding(name: string, values: readonly string[], faultOf: (value: string) => string | undefined): Finding {
  const [value] = values;
  if (value === undefined) return bad(name, "is missing");
  if (values.length > 1) return bad(name, `is there ${values.length} times; RFC 8058 wants it once`);
  const fault = faultOf(value);
  return fault === undefined ? ok(name, value) : bad(name, fault);
}

/** Gmail and Yahoo want a link that people see, too. */
function bodyFindings(email: Email): Finding[] {
  const url = /<(https:[^<>\s]+)>/i.exec(valuesOf(email, "list-unsubscribe")[0] ?? "")?.[1];
  if (url === undefined) return [];
  const bodies = [email.html ?? "", email.text ?? ""].map((body) => body.replaceAll("&amp;", "&"));
  return [
    bodies.some((body) => body.includes(url))
      ? ok("link in the body", "is the one of the header")
      : note("link in the body", "the header's URL is not in it: people should see a link to unsubscribe, too"),
  ];
}

function fromFindings({ from }: Email, fromFields: number): Finding[] {
  if (fromFields !== 1 || from === undefined) return [bad("From", fromFields > 1 ? `is there ${fromFields} times` : "is missing")];
  return [];
}

function signatureFindings(results: readonly DKIMResult[]): Finding[] {
  const signed = results.filter(({ signingDomain }) => signingDomain !== undefined);
  if (signed.length === 0) return [bad("DKIM", "there is no signature, so that no program believes the headers")];
  const each = signed.map((result) => ({ result, faults: faultsOf(result) }));
  const findings = each.flatMap(({ result, faults }) =>
    faults.length === 0
      ? [ok(nameOf(result), "is valid, aligned with From, and covers both headers")]
      : faults.map((fault) => note(nameOf(result), fault)),
  );
  if (each.some(({ faults }) => faults.length === 0)) return findings;
  return [...findings, bad("DKIM", "no signature is valid, aligned with From, and covers both headers: mail programs show no button")];
}

const nameOf = ({ signingDomain, selector }: DKIMResult) => `DKIM d=${signingDomain} s=${selector}`;

function faultsOf({ status, signingHeaders }: DKIMResult): string[] {
  const covered = new Set((signingHeaders?.keys ?? "").split(":").map((name) => name.trim().toLowerCase()));
  const missing = COVERED.filter((name) => !covered.has(name));
  const comment = typeof status.comment === "string" ? ` (${status.comment})` : "";
  return [
    ...(status.result === "pass" ? [] : [`${MEANING[status.result] ?? "is not valid"}: ${status.result}${comment}`]),
    ...(missing.length === 0 ? [] : [`h= lacks ${missing.join(" and ")}`]),
    ...(status.aligned === false || status.aligned === undefined ? ["d= is another organization's domain than From"] : []),
    ...((status.underSized ?? 0) > 0 ? [`l= leaves ${status.underSized} bytes of the body unsigned`] : []),
  ];
}

const MEANING: Readonly<Record<string, string>> = {
  neutral: "cannot be verified",
  temperror: "cannot be verified now, because its key cannot be read",
  permerror: "cannot be verified",
};

const ok = (about: string, says: string): Finding => ({ kind: "ok", about, says });
const bad = (about: string, says: string): Finding => ({ kind: "bad", about, says });
const note = (about: string, says: string): Finding => ({ kind: "note", about, says });
