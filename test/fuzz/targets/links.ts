// Links to unsubscribe and their forms.
import assert from "node:assert/strict";
import { pageClaimOf, pageClaimText } from "../../../core/preferences/page-claim.ts";
import { claimOf, claimText } from "../../../core/preferences/unsubscribe-token.ts";
import { formFields } from "../../../feedback/form-body.ts";
import { sealToken, unsealToken } from "../../../runtime/sealed-token.ts";
import type { FuzzTarget } from "../fuzz.ts";
import { FORM, NOW } from "./common.ts";

const LINK_KEYS = { purpose: "unsubscribe", keys: ["a key that sealed nothing here"] };
const CLAIM = {
  app: "shop",
  subject: "user:ada",
  channel: "email",
  category: "news",
  notificationId: "0a".repeat(16),
  issuedAt: NOW,
} as const;
const SEALED = sealToken(claimText(CLAIM), { ...LINK_KEYS, keys: ["another key than that"] });

export const UNSUBSCRIBE_TOKEN: FuzzTarget = {
  name: "token of a link to unsubscribe",
  seeds: [SEALED, sealToken("", LINK_KEYS).replace(/[^.]*$/, ""), "v1...", claimText(CLAIM)].map((token) => Buffer.from(token)),
  dictionary: ["v1", ".", "=", "-", "_", '["a"', ',""', "null", "[]", "1e9"],
  files: /\/(runtime\/sealed-token|core\/preferences)/,
  run(input) {
    const text = input.toString("latin1");
    assert.equal(unsealToken(text, LINK_KEYS), undefined, "opened what nobody sealed");
    const claim = claimOf(text);
    if (claim !== undefined) assert.deepEqual(claimOf(claimText(claim)), claim);
    const pageClaim = pageClaimOf(text);
    if (pageClaim !== undefined) assert.deepEqual(pageClaimOf(pageClaimText(pageClaim)), pageClaim);
  },
};

/** The first line is the content type; the rest is the body. */
export const UNSUBSCRIBE_FORM: FuzzTarget = {
  name: "form of a link to unsubscribe",
  seeds: [
    `${FORM}\nList-Unsubscribe=One-Click`,
    'multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
  ].map((form) => Buffer.from(form)),
  dictionary: ["--b", "\r\n", 'name="', "filename=", "boundary=", "__proto__", "&", "=", "%"],
  files: /\/feedback\//,
  async run(input) {
    const end = Math.max(0, input.indexOf("\n"));
    const headers = { "content-type": input.toString("latin1", 0, end) };
    for (const [name, value] of await formFields({ headers, body: input.subarray(end + 1) }))
      assert.ok(typeof name === "string" && typeof value === "string");
  },
};
