const CHARS_MAX = 300;
/** Printable ASCII without a backslash, which browsers take for a slash. */
const PATH = /^\/(?!\/)[!-[\]-~]*$/;

/** Where to go after signing in: a path of the console itself; "/" for everything else. */
export function returnPath(asked: string | null | undefined): string {
  if (!asked || asked.length > CHARS_MAX || !PATH.test(asked)) return "/";
  // As a browser resolves it: "/.//other.example" is the path "//other.example".
  const { origin, pathname, search, hash } = new URL(asked, "http://console.invalid");
  if (origin !== "http://console.invalid" || pathname.startsWith("//")) return "/";
  return pathname + search + hash;
}
