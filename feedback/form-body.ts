import type { HttpRequest } from "../runtime/http/server.ts";

/** Fields of a form: RFC 8058, section 3.2, has mail programs send either kind, multipart/form-data or application/x-www-form-urlencoded. Files are left out. */
export async function formFields({ body, headers }: Pick<HttpRequest, "body" | "headers">): Promise<ReadonlyMap<string, string>> {
  const type = headers["content-type"] ?? "";
  if (!/^multipart\/form-data\b/i.test(type)) return new Map(new URLSearchParams(body.toString("utf8")));
  try {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
    return new Map([...form].flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : [])));
  } catch {
    return new Map();
  }
}
