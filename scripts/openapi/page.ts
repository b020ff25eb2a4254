import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import { type Html, html } from "../../runtime/http/html.ts";
import type { Api, Operation } from "./document.ts";
import { messageSchema, messagesWithin, type Schema, schemaName } from "./schemas.ts";

const root = join(import.meta.dirname, "../..");
const STYLE_SHEETS = ["web/styles/tokens.css", "web/styles/base.css", "scripts/openapi/api-page.css"];

/** The API as a page without scripts: each call with an example for curl, and every message with its rules. */
export function apiPage({ operations, comments }: Api): string {
  const services = [...new Set(operations.map(({ service }) => service))];
  const messages = [...messagesWithin(operations.flatMap(({ method }) => [method.input, method.output]))];
  const types = messages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const style = STYLE_SHEETS.map((path) => readFileSync(join(root, path), "utf8")).join("");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon: HTTP/JSON</title>
<style>${{ html: style }}</style>
</head>
<body>
<header>
<h1>Carillon: HTTP/JSON</h1>
<p>Every call is a POST with JSON and an app's API key. The same calls, rules and limits as over gRPC, by the <a href="https://connectrpc.com/docs/protocol">Connect protocol</a>. The document for tools is <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<p>The examples take the address and the key from the shell: <code>export CARILLON=http://127.0.0.1:7701 KEY=ck_…</code></p>
</header>
<nav aria-label="Calls"><ul>
${operations.map(({ service, method }) => html`<li><a href="#${method.name}">${service.name.replace(/Service$/, "")}: ${method.name}</a></li>\n`)}</ul></nav>
<main>
<section><h2 id="requests">Requests</h2>
<p>Names are camelCase; snake_case is read, too. An unknown field, a key given twice, or a value of another type is an error that names the field. Times are RFC 3339, bytes base64, enums their names. A field that is left out is empty, 0, false or unspecified.</p>
<p><code>Idempotency-Key: …</code> may stand for <code>notification.idempotencyKey</code>. <code>Connect-Timeout-Ms</code> bounds the wait; the gateway works on a call for 10 s at most. What changes nothing may be called with GET: <code>?encoding=json&amp;message=…</code>. Bodies are not compressed. Streams (PutBlob, ExportUser) are served over gRPC only.</p>
</section>
<section><h2 id="answers">Answers</h2>
<p>200 with the answer as JSON, which leaves out what is empty, 0, false or unspecified; 64-bit numbers are texts. Else an error:</p>
<pre>{"code": "invalid_argument", "message": "notification.category: must be …",
 "details": [{"type": "google.rpc.BadRequest", "value": "…", "debug": {"fieldViolations": [{"field": "notification.category", …}]}}]}</pre>
<table><thead><tr><th>Status</th><th>code</th><th>do</th></tr></thead><tbody>
${STATUSES.map(([status, code, advice]) => html`<tr><td>${status}</td><td>${code}</td><td>${advice}</td></tr>\n`)}</tbody></table>
</section>
${services.map(
  (service) => html`<section><h2 id="${service.name}">${service.name}</h2>
<p>${comments.get(service.typeName)}</p>
${operations.filter((operation) => operation.service === service).map(operationOf)}</section>
`,
)}<section><h2 id="types">Messages</h2>
${types.map((message) => typeOf(message, messageSchema(message, comments, false)))}</section>
</main>
</body>
</html>
`;
  return page.html;
}

const STATUSES: readonly [status: string, code: string, advice: string][] = [
  ["400", "invalid_argument, failed_precondition", "Correct the request: the details name each field and its rule."],
  ["401", "unauthenticated", "Send a valid key: Authorization: Bearer …"],
  ["404", "not_found, unimplemented", "There is none of this app, or no such method."],
  ["409", "already_exists", "The idempotency key was used with another payload: a bug in the caller."],
  ["413, 415", "invalid_argument, unimplemented", "The body is too large, or no uncompressed JSON."],
  ["429", "resource_exhausted", "Nothing was done. Repeat after Retry-After seconds."],
  ["500", "internal", "A bug in Carillon. Repeat later with the same key."],
  ["503, 504", "unavailable, deadline_exceeded", "It may have been done. Repeat with the same idempotency key."],
];

function operationOf({ method, path, comment, example, isReading }: Operation): Html {
  return html`<h3 id="${method.name}">${method.name} <code>POST${isReading ? " or GET" : ""} ${path}</code></h3>
${paragraphs(comment)}
<pre>${curl(path, example)}</pre>
<p>Takes a <a href="#type-${schemaName(method.input)}">${schemaName(method.input)}</a>, answers a <a href="#type-${schemaName(method.output)}">${schemaName(method.output)}</a>.</p>
`;
}

/** As somebody types it; a test sends what stands on the page. */
const curl = (path: string, example: unknown): string =>
  `curl $CARILLON${path} \\\n  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '${JSON.stringify(example, null, 1)}'`;

const paragraphs = (text: string): readonly Html[] => text.split("\n\n").map((part) => html`<p>${part}</p>`);

function typeOf(message: DescMessage, schema: Schema): Html {
  const {
    properties,
    required = [],
    description,
  } = schema as {
    properties: Readonly<Record<string, Schema>>;
    required?: readonly string[];
    description?: string;
  };
  const choices = new Map(
    message.oneofs.filter(({ fields }) => fields.length > 1).flatMap((oneof) => oneof.fields.map((f) => [f.jsonName, oneof] as const)),
  );
  const rows = Object.entries(properties).map(([name, field]) => {
    const oneof = choices.get(name);
    const words = [
      required.includes(name) ? "Required." : "",
      oneof ? `One of ${oneof.fields.map((f) => f.jsonName).join(", ")}.` : "",
      String(field.description ?? ""),
      constraints(field),
    ];
    return html`<tr><td><code>${name}</code></td><td>${shape(field)}</td><td>${words.filter((word) => word !== "").join(" ")}</td></tr>\n`;
  });
  return html`<h3 id="type-${schemaName(message)}">${schemaName(message)}</h3>
${description ? paragraphs(description) : undefined}
${rows.length === 0 ? html`<p>It has no fields.</p>` : html`<table><thead><tr><th>Field</th><th>Type</th><th>What it is</th></tr></thead><tbody>\n${rows}</tbody></table>`}
`;
}

/** A field's type as a link to its message, or in a word. */
function shape(field: Schema): Html {
  if (typeof field.$ref === "string") {
    const name = field.$ref.replace(/^.*\//, "");
    return html`<a href="#type-${name}">${name}</a>`;
  }
  if (field.type === "array") return html`list of ${shape(field.items as Schema)}`;
  if (field.type === "object" && typeof field.additionalProperties === "object")
    return html`object of ${shape(field.additionalProperties as Schema)}`;
  if (field.format === "date-time") return html`time`;
  return html`${Array.isArray(field.enum) ? "enum" : String(field.contentEncoding ?? field.format ?? field.type)}`;
}

/** Rules of a value, in words. */
function constraints(field: Schema): string {
  const items = field.type === "array" ? constraints(field.items as Schema) : "";
  const said = [
    ...RULES.flatMap(([key, words]) => (field[key] === undefined ? [] : [words(String(field[key]))])),
    ...(Array.isArray(field.enum) ? [`${field.enum.join(", ")}.`] : []),
    ...(items ? [`Each: ${items}`] : []),
  ];
  return said.join(" ");
}
const RULES: readonly [key: string, words: (value: string) => string][] = [
  ["minLength", (n) => `At least ${n === "1" ? "1 character" : `${n} characters`}.`],
  ["maxLength", (n) => `At most ${n} characters.`],
  ["pattern", (pattern) => `Matches ${pattern}`],
  ["minimum", (n) => `At least ${n}.`],
  ["maximum", (n) => `At most ${n}.`],
  ["minItems", (n) => `At least ${n}.`],
  ["maxItems", (n) => `At most ${n}.`],
  ["maxProperties", (n) => `At most ${n} entries.`],
  ["uniqueItems", () => "Nothing twice."],
];
