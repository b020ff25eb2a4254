import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** What is wrong with a value, one line for each fault. */
export type Judge = (value: unknown) => string[];

interface Document {
  paths: Readonly<Record<string, { post: { requestBody: Body; responses: Readonly<Record<string, Body>> } }>>;
  components: { schemas: Readonly<Record<string, object>> };
}
interface Body {
  content: { "application/json": { schema: { $ref: string } } };
}

/** The schemas of an OpenAPI 3.1 document, as another program reads them. */
export function apiSchemas(given: unknown) {
  const document = given as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // Of numbers and texts, which the rules beside them say.
  for (const format of ["int32", "int64", "double"]) ajv.addFormat(format, true);
  ajv.addSchema({ $id: "api", components: document.components });
  const judge = (reference: string): Judge => {
    const validate = ajv.compile({ $ref: `api${reference}` });
    return (value) => (validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`));
  };
  const refOf = ({ content }: Body) => content["application/json"].schema.$ref;
  return {
    ofPath(path: string): { request: Judge; answer: Judge } {
      const post = document.paths[path]?.post;
      assert.ok(post, path);
      return { request: judge(refOf(post.requestBody)), answer: judge(refOf(post.responses["200"]!)) };
    },
    message: (name: string) => judge(`#/components/schemas/${name}`),
    error: judge("#/components/schemas/Error"),
  };
}
