/** An attachment's content type, which the contract has checked, in its parts (RFC 2045, section 5.1). */
export interface MediaType {
  /** In lower case, for example text/csv. */
  type: string;
  /** By name in lower case; values are without quotes. */
  parameters: ReadonlyMap<string, string>;
}

export function mediaTypeOf(contentType: string): MediaType {
  const [type = ""] = contentType.split(";", 1);
  const pairs = contentType.slice(type.length).matchAll(/; *([^=; ]+)=(?:"((?:[^"\\]|\\.)*)"|([^; ]*))/g);
  return {
    type: type.trim().toLowerCase(),
    parameters: new Map(
      [...pairs].map(([, name = "", quoted, token = ""]) => [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? token]),
    ),
  };
}
