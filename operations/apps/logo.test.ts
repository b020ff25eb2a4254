import assert from "node:assert/strict";
import { test } from "node:test";
import { LOGO_BYTES_MAX } from "../../core/apps/brand.ts";
import { logoOf } from "./logo.ts";

const svg = (inside: string, attributes = "") =>
  Buffer.from(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"${attributes}>${inside}</svg>`);
const png = (width: number, height: number) => {
  const head = Buffer.alloc(24);
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex").copy(head);
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head;
};

test("shapes and small pictures are taken as they are", () => {
  const file = svg(
    '<title>x</title><defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs><path d="M1 1h2" fill="url(#g)"/><use href="#g"/>',
  );
  assert.deepEqual(logoOf(file), { type: "image/svg+xml", base64: file.toString("base64") });
  assert.equal(logoOf(png(512, 64)).type, "image/png");
});

const REFUSED: readonly (readonly [what: string, file: Buffer, why: RegExp])[] = [
  ["a script", svg("<script>alert(1)</script>"), /<script>/],
  ["a script in capitals", svg("<SCRIPT/>"), /<SCRIPT>/],
  ["a handler", svg("", ' onload="alert(1)"'), /attribute onload/],
  ["foreign content", svg("<foreignObject/>"), /<foreignObject>/],
  ["a style sheet", svg("<style>a{}</style>"), /<style>/],
  ["a style", svg('<path style="fill:url(https://x)"/>'), /attribute style/],
  ["a link", svg('<a href="https://x"/>'), /<a>/],
  ["a picture", svg('<image href="https://x"/>'), /<image>/],
  ["an animation", svg('<set attributeName="href" to="javascript:x"/>'), /<set>/],
  ["a reference to elsewhere", svg('<use href="https://x/y.svg#a"/>'), /only "#id"/],
  ["a reference to elsewhere by XLink", svg('<use xlink:href="data:image/svg+xml,x"/>'), /only "#id"/],
  ["a fill from elsewhere", svg('<path fill="url( https://x#a)"/>'), /only url\(#id\)/],
  ["a fill from elsewhere, hidden in entities", svg('<path fill="url&#40;https://x#a)"/>'), /only url\(#id\)/],
  ["entities of its own", Buffer.from('<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>'), /DOCTYPE/i],
  [
    "a style sheet by instruction",
    Buffer.from('<?xml-stylesheet href="https://x"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    /xml-stylesheet/,
  ],
  ["CDATA", svg("<title><![CDATA[<script>]]></title>"), /CDATA/],
  ["what is cut off", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><path>'), /not closed/],
  ["no namespace", Buffer.from("<svg/>"), /xmlns/],
  ["html", Buffer.from("<html></html>"), /must be a PNG, or an SVG/],
  ["a JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0]), /must be a PNG, or an SVG/],
  ["nothing", Buffer.alloc(0), /must be a PNG, or an SVG/],
  ["a large file", Buffer.alloc(LOGO_BYTES_MAX + 1), /16385 bytes/],
  ["a large picture", png(513, 1), /513 × 1 pixels/],
  ["a picture that is cut off", png(1, 1).subarray(0, 20), /cut off/],
];
for (const [what, file, why] of REFUSED)
  test(`refused: ${what}`, () => {
    assert.throws(() => logoOf(file), why);
  });
