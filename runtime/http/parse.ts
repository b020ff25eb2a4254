/** Path and query of a request's first line; the path as it was sent. */
export function parseTarget(target = "/"): { path: string; query: URLSearchParams } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

/** The JSON value of a body, or undefined if it is not JSON. */
export function parseJson(body: Buffer | string): unknown {
  // Many answers are empty, and an error with its stack takes several us.
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
