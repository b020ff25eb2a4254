const SPACE = /[ \t\n\r]*/y;
/** A number, true, false or null. */
const WORD = /[^,\]}\s]+/y;

/**
 * Path of the first key that occurs twice in one object, such as notification.content.sms, which JSON.parse does not tell: it keeps the last one.
 * @param json what JSON.parse accepts, of a bounded depth
 */
export function findDuplicateKey(json: string): string | undefined {
  let at = 0;
  const skip = (form: RegExp) => {
    form.lastIndex = at;
    form.exec(json);
    at = Math.max(at, form.lastIndex);
  };
  const next = () => {
    skip(SPACE);
    return json[at];
  };
  const text = (): string => {
    const start = at++;
    while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
    return JSON.parse(json.slice(start, ++at)) as string;
  };

  function value(path: string): string | undefined {
    const first = next();
    if (first === "{") return object(path);
    if (first === "[") return list(path);
    if (first === '"') text();
    else skip(WORD);
    return undefined;
  }

  function object(path: string): string | undefined {
    const keys = new Set<string>();
    at++;
    while (next() !== "}") {
      if (json[at] === ",") at++;
      next();
      const key = text();
      const here = path === "" ? key : `${path}.${key}`;
      if (keys.has(key)) return here;
      keys.add(key);
      // The colon.
      next();
      at++;
      const found = value(here);
      if (found !== undefined) return found;
    }
    at++;
    return undefined;
  }

  function list(path: string): string | undefined {
    at++;
    for (let i = 0; next() !== "]"; i++) {
      if (json[at] === ",") at++;
      const found = value(`${path}[${i}]`);
      if (found !== undefined) return found;
    }
    at++;
    return undefined;
  }
  return value("");
}
