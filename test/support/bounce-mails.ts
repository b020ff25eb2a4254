// Bounces as mail servers write them: the structure of each server's, with values of our own.

/** A part's headers and its body. */
type Part = readonly [headers: readonly string[], body: readonly string[]];

const BOUNDARY = "=_part/2026";

function mail(headers: readonly string[], ...parts: readonly Part[]): Buffer {
  const body = parts.flatMap(([own, lines]) => [`--${BOUNDARY}`, ...own, "", ...lines, ""]);
  return Buffer.from([...headers, "", ...body, ...(parts.length > 0 ? [`--${BOUNDARY}--`] : []), ""].join("\r\n"), "latin1");
}

const text = (headers: readonly string[], ...lines: readonly string[]) =>
  Buffer.from([...headers, "", ...lines, ""].join("\r\n"), "latin1");

const report = (more = "") => [
  "MIME-Version: 1.0",
  `Content-Type: multipart/report; report-type=delivery-status;${more}`,
  `\tboundary="${BOUNDARY}"`,
];
const prose = (...lines: string[]): Part => [["Content-Type: text/plain; charset=us-ascii"], lines];
const status = (...lines: string[]): Part => [["Content-Type: message/delivery-status"], lines];
const returned: Part = [["Content-Type: text/rfc822-headers"], ["From: bells@example.org", "To: ada@example.com", "Subject: Dinner"]];
const date = "Date: Tue,  1 Dec 2026 12:00:05 +0000 (UTC)";

/** Each with the receipt that it becomes: its kind, and the reason of "undelivered". */
export const REPORTS: Readonly<Record<string, { message: Buffer; becomes: readonly [kind: string, reason?: string] }>> = {
  "Postfix: failed": {
    message: mail(
      [
        date,
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        ...report(),
      ],
      [
        ["Content-Description: Notification", "Content-Type: text/plain; charset=us-ascii"],
        ["I could not deliver it.", "", "<ada@example.com>: host mx.example.com[192.0.2.7] said: 550 5.1.1 no such user"],
      ],
      [
        ["Content-Description: Delivery report", "Content-Type: message/delivery-status"],
        [
          ...[
            "Reporting-MTA: dns; mx.example.org",
            "X-Postfix-Queue-ID: 4T0Bells17",
            "X-Postfix-Sender: rfc822; b+aa@bounces.example.org",
            "Arrival-Date: Tue,  1 Dec 2026 12:00:00 +0000 (UTC)",
            "",
          ],
          ...[
            "Final-Recipient: rfc822; ada@example.com",
            "Original-Recipient: rfc822;ada@example.com",
            "Action: failed",
            "Status: 5.1.1",
            "Remote-MTA: dns; mx.example.com",
          ],
          ...["Diagnostic-Code: smtp; 550 5.1.1 <ada@example.com>: Recipient address", "    rejected: User unknown"],
        ],
      ],
      returned,
    ),
    becomes: ["undelivered", "5.1.1"],
  },
  "Postfix: given up after days in the queue": {
    message: mail(
      [date, "From: MAILER-DAEMON@mx.example.org", "Subject: Undelivered Mail Returned to Sender", ...report()],
      prose("It was in the queue for too long."),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Final-Recipient: rfc822; ada@example.com",
        "Action: failed",
        "Status: 4.4.1",
        "Diagnostic-Code: X-Postfix; connect to mx.example.com[192.5.1.1]:25: Connection timed out",
      ),
    ),
    becomes: ["undelivered", "4.4.1"],
  },
  "Postfix: delayed": {
    message: mail(
      [
        date,
        "From: MAILER-DAEMON@mx.example.org",
        "Subject: Delayed Mail (still being retried)",
        "Auto-Submitted: auto-replied",
        ...report(),
      ],
      prose("You do not need to resend it."),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Final-Recipient: rfc822; ada@example.com",
        "Action: delayed",
        "Status: 4.4.1",
        "Will-Retry-Until: Sun,  6 Dec 2026 12:00:00 +0000 (UTC)",
      ),
      returned,
    ),
    becomes: ["accepted"],
  },
  "Postfix: delivered, as was asked for": {
    message: mail(
      [date, "From: MAILER-DAEMON@mx.example.org", "Subject: Successful Mail Delivery Report", "Auto-Submitted: auto-replied", ...report()],
      prose("It was delivered."),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "Original-Envelope-Id: 00000000000000000000000000000000-0/1",
        "",
        "Final-Recipient: rfc822; ada@example.com",
        "Action: delivered",
        "Status: 2.0.0",
        "Diagnostic-Code: smtp; 250 2.0.0 stored",
      ),
    ),
    becomes: ["delivered"],
  },
  "Exim: failed, marked as an automatic reply, with the code in the quoted reply": {
    message: mail(
      [
        "X-Failed-Recipients: ada@example.com",
        "Auto-Submitted: auto-replied",
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>",
        "To: b+aa@bounces.example.org",
        "References: <one@example.org>",
        `Content-Type: multipart/report; report-type=delivery-status; boundary="${BOUNDARY}"`,
        "MIME-Version: 1.0",
        "Subject: Mail delivery failed: returning message to sender",
        date,
      ],
      prose(
        "  ada@example.com",
        "    host mx.example.com [192.0.2.7]",
        "    SMTP error from remote mail server after RCPT TO:<ada@example.com>:",
        "    550 5.2.1 The mailbox is disabled",
      ),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Action: failed",
        "Final-Recipient: rfc822;ada@example.com",
        "Status: 5.0.0",
        "Remote-MTA: dns; mx.example.com",
        "Diagnostic-Code: smtp; 550 5.2.1 The mailbox is disabled",
      ),
      [["Content-Type: message/rfc822"], ["From: bells@example.org", "Subject: Dinner", "", "is ready"]],
    ),
    becomes: ["undelivered", "5.2.1"],
  },
  "Exchange: failed, its prose in base64, its report quoted-printable": {
    message: mail(
      [
        "From: <postmaster@example.com>",
        "To: <b+aa@bounces.example.org>",
        date,
        ...report(""),
        "X-MS-Exchange-Message-Is-Ndr:",
        "Content-Language: en-US",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Subject: Undeliverable: Dinner",
      ],
      [
        ['Content-Type: text/html; charset="utf-8"', "Content-Transfer-Encoding: base64"],
        [Buffer.from("<p>wasn't found at example.com</p>").toString("base64")],
      ],
      [
        ["Content-Type: message/delivery-status", "Content-Transfer-Encoding: quoted-printable"],
        [
          "Reporting-MTA: dns;AA1PR01MB0001.example.com",
          "Received-From-MTA: dns;mx.example.org",
          "Arrival-Date: Tue, 1 Dec 2026 12:00:00 +0000",
          "",
          "Final-Recipient: rfc822;ada@example.com",
          "Action: failed",
          "Status: 5.1.10",
          "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient no=",
          "t found by SMTP address lookup",
        ],
      ],
      [["Content-Type: message/rfc822"], ["From: bells@example.org", "Subject: Dinner", "", "is ready"]],
    ),
    becomes: ["undelivered", "5.1.10"],
  },
  "Gmail: failed, with pictures beside the prose": {
    message: mail(
      [
        date,
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "To: b+aa@bounces.example.org",
        "Auto-Submitted: auto-replied",
        "Subject: Delivery Status Notification (Failure)",
        "X-Failed-Recipients: ada@example.com",
        ...report(""),
      ],
      [
        ['Content-Type: multipart/related; boundary="=_inner"'],
        [
          "--=_inner",
          "Content-Type: text/plain; charset=UTF-8",
          "",
          "Your message wasn't delivered",
          "",
          "--=_inner",
          'Content-Type: image/png; name="icon.png"',
          "Content-Transfer-Encoding: base64",
          "Content-ID: <icon.png>",
          "",
          "iVBORw0KGgo=",
          "--=_inner--",
        ],
      ],
      status(
        "Reporting-MTA: dns; googlemail.com",
        "Arrival-Date: Tue, 01 Dec 2026 04:00:00 -0800 (PST)",
        "X-Original-Message-ID: <one@example.org>",
        "",
        "Final-Recipient: rfc822; ada@example.com",
        "Action: failed",
        "Status: 5.2.2",
        "Remote-MTA: dns; gmail-smtp-in.example.com. (192.0.2.9, the server for the domain)",
        "Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space.",
        " 552 5.2.2 see the help page",
        "Last-Attempt-Date: Tue, 01 Dec 2026 04:00:01 -0800 (PST)",
      ),
      returned,
    ),
    becomes: ["undelivered", "5.2.2"],
  },
  "Sendmail: delivered, with a comment": {
    message: mail(
      [
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>",
        "Subject: Return receipt",
        "Auto-Submitted: auto-generated (return-receipt)",
        date,
        ...report(""),
      ],
      prose("   ----- The following addresses had successful delivery notifications -----"),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "Received-From-MTA: DNS; relay.example.org",
        "Arrival-Date: Tue, 1 Dec 2026 12:00:00 GMT",
        "",
        "Final-Recipient: RFC822; ada@example.com",
        "Action: delivered (to mailbox)",
        "Status: 2.1.5",
        "Last-Attempt-Date: Tue, 1 Dec 2026 12:00:01 GMT",
      ),
      returned,
    ),
    becomes: ["delivered"],
  },
  "Sendmail: relayed to a server that reports nothing": {
    message: mail(
      ["From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>", "Subject: Return receipt", date, ...report("")],
      prose("relayed to non-DSN-aware mailer"),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Final-Recipient: RFC822; ada@example.com",
        "Action: relayed (to non-DSN-aware mailer)",
        "Status: 2.1.9",
      ),
    ),
    becomes: ["accepted"],
  },
  "an alias of two, of which one got it": {
    message: mail(
      [date, "From: MAILER-DAEMON@mx.example.org", ...report()],
      prose("Some got it."),
      status(
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Final-Recipient: rfc822; a@example.com",
        "Action: failed",
        "Status: 5.1.1",
        "",
        "Final-Recipient: rfc822; b@example.com",
        "Action: delivered",
        "Status: 2.0.0",
      ),
    ),
    becomes: ["delivered"],
  },
  "a report with a code that is none": {
    message: mail(
      [date, "From: postmaster@mx.example.org", ...report()],
      prose("No."),
      status("Reporting-MTA: dns; mx.example.org", "", "Action: FAILED", "Status: see above"),
    ),
    becomes: ["undelivered", "bounce"],
  },
  "qmail: prose": {
    message: text(
      ["Date: 1 Dec 2026 12:00:05 -0000", "From: MAILER-DAEMON@mx.example.org", "To: b+aa@bounces.example.org", "Subject: failure notice"],
      "Hi. This is the program at mx.example.org.",
      "",
      "<ada@example.com>:",
      "Sorry, no mailbox here by that name. (#5.1.1)",
    ),
    becomes: ["undelivered", "bounce"],
  },
  "Exim before it wrote reports: prose": {
    message: text(
      [
        "X-Failed-Recipients: ada@example.com",
        "Auto-Submitted: auto-replied",
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>",
        "Subject: Mail delivery failed: returning message to sender",
        date,
      ],
      "  ada@example.com",
      "    Unrouteable address",
    ),
    becomes: ["undelivered", "bounce"],
  },
  "prose from a mail system without a domain, marked as an automatic reply": {
    message: text([date, "From: MAILER-DAEMON", "Subject: returned mail", "Auto-Submitted: auto-replied"], "It did not arrive."),
    becomes: ["undelivered", "bounce"],
  },
  "prose from the null sender": {
    message: text([date, "From: Mail Service <noreply@mx.example.org>", "Subject: returned mail"], "It did not arrive."),
    becomes: ["undelivered", "bounce"],
  },
  "Exim: a warning in prose": {
    message: text(
      [
        "Auto-Submitted: auto-replied",
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>",
        "Subject: Warning: message 1aBells-0000 delayed 24 hours",
        date,
      ],
      "No action is required.",
    ),
    becomes: ["accepted"],
  },
};

/** Mails to a return path that say nothing of what became of the mail; all from the null sender. */
export const OTHER_MAILS: Readonly<Record<string, Buffer>> = {
  "a vacation reply": text(
    [date, "From: Ada <ada@example.com>", "Subject: Away until Monday", "Auto-Submitted: auto-replied (vacation)", "Precedence: bulk"],
    "I am away.",
  ),
  "Exchange's reply of who is out of office": text(
    [
      date,
      "From: Ada <ada@example.com>",
      "Subject: Automatic reply: Dinner",
      "Auto-Submitted: auto-generated",
      "X-Auto-Response-Suppress: All",
    ],
    "I am away.",
  ),
  "an old answering machine's": text([date, "From: Ada <ada@example.com>", "Subject: Re: Dinner", "X-Autoreply: yes"], "I am away."),
  "a read receipt": mail(
    [
      date,
      "From: Ada <ada@example.com>",
      "Subject: Read: Dinner",
      "MIME-Version: 1.0",
      `Content-Type: multipart/report; report-type=disposition-notification; boundary="${BOUNDARY}"`,
    ],
    prose("It was shown."),
    [
      ["Content-Type: message/disposition-notification"],
      ["Final-Recipient: rfc822; ada@example.com", "Disposition: manual-action/MDN-sent-manually; displayed"],
    ],
  ),
  "a complaint": mail(
    [
      date,
      "From: <abuse@example.com>",
      "Subject: complaint",
      "MIME-Version: 1.0",
      `Content-Type: multipart/report; report-type=feedback-report; boundary="${BOUNDARY}"`,
    ],
    prose("A report."),
    [["Content-Type: message/feedback-report"], ["Feedback-Type: abuse", "Version: 1"]],
  ),
};
