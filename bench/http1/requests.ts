/** A request over HTTP/1.1, as much as a stub needs of it. */
export interface Request {
  method: string;
  path: string;
  /** The header lines as they arrived, without the request line. */
  headers: string;
  body: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * Splits a socket's bytes into requests whose bodies, if any, have a Content-Length. Costs a few us a request, a fifth of node:http, so that a stub
 * does not limit what is measured. A body is valid only during its call.
 */
export function createRequestReader(onRequest: (request: Request) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(HEAD_END, at);
      if (end < 0) break;
      const head = bytes.toString("latin1", at, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const bodyAt = end + HEAD_END.length;
      if (bytes.length < bodyAt + length) break;
      const [line = "", method = "", path = ""] = /^(\S+) (\S+) HTTP\/1\.1/.exec(head) ?? [];
      onRequest({ method, path, headers: head.slice(line.length + 2), body: bytes.subarray(bodyAt, bodyAt + length) });
      at = bodyAt + length;
    }
    rest = bytes.subarray(at);
  };
}
