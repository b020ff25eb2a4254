import { setTimeout as delay } from "node:timers/promises";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { localPart } from "../kit/address.ts";

/** Between the acceptance and the report, in ms. */
const REPORT_MS = 5;
/** How often a report is tried, with twice the wait each time: for a little over six seconds. */
const TRIES_MAX = 8;
/** Before the first retry, in ms. */
const TRY_AGAIN_MS = 50;
/** Deadline of one try, in ms. */
const TRY_MS_MAX = 15_000;

/** A mail that the relay accepted. */
export interface RelayedMail {
  /** The return path; empty: nobody is told. */
  sender: string;
  recipient: string;
  envid: string | undefined;
  /** What the sender asked for; undefined: nothing, which means failures. */
  notify: readonly string[] | undefined;
  /** The header of the mail. */
  head: string;
  /** Called once a report on it was taken or given up; `reason` is the status in it. */
  told(kind: "delivered" | "delayed" | "undelivered", reason: string, taken: boolean): void;
}

export interface BouncesState {
  target: string | undefined;
  /** Reports still under way. */
  open: number;
  /** Reports that were answered 250. */
  told: number;
  /** Tries that were answered otherwise, or not at all. */
  repeated: number;
  /** Reports that were rejected for good (5xx), or tried TRIES_MAX times. */
  givenUp: number;
}

/** Reports by mail on mails that the relay accepted. */
export interface Bounces {
  /** lmtp://host:port of the receiver; undefined, as at the start: nothing is reported. Throws RangeError. */
  target(url: string | undefined): void;
  state(): BouncesState;
  /** Resolves once every report was taken or given up. */
  settled(): Promise<void>;
}

/** Plays the relay's side: the recipient's address selects the report, see README.md. */
export function createBounces({ now }: { now: () => number }) {
  const closing = new AbortController();
  const open = new Set<Promise<void>>();
  const counts = { told: 0, repeated: 0, givenUp: 0 };
  let target: URL | undefined;

  async function deliver(mail: RelayedMail, { kind, status, message }: Report): Promise<void> {
    await delay(REPORT_MS, undefined, { signal: closing.signal });
    for (let tries = 1; ; tries++) {
      const code = target === undefined ? 500 : await submit(target, mail.sender, message, closing.signal);
      const result = code === 250 ? "told" : code >= 500 || tries === TRIES_MAX ? "givenUp" : "repeated";
      counts[result] += 1;
      if (result !== "repeated") return mail.told(kind, status, result === "told");
      await delay(TRY_AGAIN_MS * 2 ** (tries - 1), undefined, { signal: closing.signal });
    }
  }

  const bounces: Bounces = {
    target(url) {
      if (url !== undefined && !(URL.canParse(url) && new URL(url).protocol === "lmtp:"))
        throw new RangeError("the target is an lmtp: URL");
      target = url === undefined ? undefined : new URL(url);
    },
    state: () => ({ target: target?.href, open: open.size, ...counts }),
    async settled() {
      while (open.size > 0) await Promise.all(open);
    },
  };
  return {
    bounces,
    report(mail: RelayedMail): void {
      const written = reportOn(mail, now());
      if (target === undefined || mail.sender === "" || written === undefined) return;
      const reporting = deliver(mail, written).catch(() => undefined); // closing
      open.add(reporting);
      void reporting.then(() => open.delete(reporting));
    },
    close: () => closing.abort(),
  };
}

interface Report {
  kind: "delivered" | "delayed" | "undelivered";
  /** "5.1.1" */
  status: string;
  message: string;
}
const KINDS = { failed: "undelivered", delayed: "delayed", delivered: "delivered" } as const;

/** The report, or undefined where there is none. */
function reportOn({ sender, recipient, envid, notify, head }: RelayedMail, now: number): Report | undefined {
  const local = localPart(recipient);
  const [action, status, reply] = local.startsWith("bounce-full")
    ? (["failed", "5.2.2", "552 5.2.2 mailbox full"] as const)
    : local.startsWith("bounce")
      ? (["failed", "5.1.1", "550 5.1.1 mailbox unknown"] as const)
      : local.startsWith("delay")
        ? (["delayed", "4.4.1", "no answer from the host"] as const)
        : (["delivered", "2.0.0", "250 2.0.0 stored"] as const);
  const wanted = { failed: "FAILURE", delayed: "DELAY", delivered: "SUCCESS" }[action];
  if (!(notify ?? ["FAILURE"]).includes(wanted)) return undefined;
  const headers = [
    ...["From: Mail Delivery System <MAILER-DAEMON@sandbox>", `To: ${sender}`, `Date: ${new Date(now).toUTCString()}`],
    ...["Auto-Submitted: auto-replied", `Subject: Mail ${action}`],
  ];
  const about = { kind: KINDS[action], status };
  if (local.startsWith("bounce-text")) return { ...about, message: [...headers, "", `${recipient}:`, reply, ""].join("\r\n") };
  const boundary = "=_sandbox";
  const lines = [
    ...headers,
    ...["MIME-Version: 1.0", `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`, ""],
    ...[`--${boundary}`, "Content-Type: text/plain; charset=us-ascii", "", `The mail to ${recipient} was ${action}.`, ""],
    ...[`--${boundary}`, "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; sandbox"],
    ...(envid === undefined ? [] : [`Original-Envelope-Id: ${envid}`]),
    ...["", `Final-Recipient: rfc822; ${recipient}`, `Action: ${action}`, `Status: ${status}`, `Diagnostic-Code: smtp; ${reply}`, ""],
    ...[`--${boundary}`, "Content-Type: text/rfc822-headers", "", head, "", `--${boundary}--`, ""],
  ];
  return { ...about, message: lines.join("\r\n") };
}

/** The answer's code; 451 where there is none. One connection, one mail. */
function submit({ hostname, port }: URL, recipient: string, message: string, signal: AbortSignal): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const connection = new SMTPConnection({
    ...{ host: hostname, port: Number(port), lmtp: true, ignoreTLS: true, logger: false, allowInternalNetworkInterfaces: true },
    ...{ connectionTimeout: TRY_MS_MAX, greetingTimeout: TRY_MS_MAX, socketTimeout: TRY_MS_MAX },
  });
  const failed = (error: { responseCode?: number | undefined }) => resolve(error.responseCode ?? 451);
  connection.on("error", failed);
  connection.once("end", () => resolve(451));
  const leave = () => connection.close();
  signal.addEventListener("abort", leave, { once: true });
  connection.connect((error) => {
    if (error) return failed(error);
    connection.send({ from: "", to: [recipient] }, message, (fault, info) => {
      if (fault) return failed(fault);
      // By LMTP each recipient has an answer of its own.
      const [rejected] = info.rejectedErrors ?? [];
      resolve(rejected === undefined ? 250 : (rejected.responseCode ?? 451));
      connection.quit();
    });
  });
  return promise.finally(() => {
    signal.removeEventListener("abort", leave);
    connection.close();
  });
}
