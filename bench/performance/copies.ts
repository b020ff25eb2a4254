/**
 * Makes copies of a JSON value, quickly: each with other texts or digits in the places of some. The texts must be such that JSON does not escape them.
 * @param template JSON
 * @param places what stands there in the template; each copy is made with a text for each of them
 */
export function createCopies<Copy>(template: string, places: readonly string[]): (texts: readonly string[]) => Copy {
  /** Fixed text, or the index of a place. */
  let parts: (string | number)[] = [template];
  for (const [i, place] of places.entries())
    parts = parts.flatMap((part) =>
      typeof part === "number" ? [part] : part.split(place).flatMap((text, at) => (at === 0 ? [text] : [i, text])),
    );
  return (texts) => {
    let json = "";
    for (const part of parts) json += typeof part === "number" ? texts[part] : part;
    return JSON.parse(json) as Copy;
  };
}
