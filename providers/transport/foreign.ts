/** Reads text fields of a foreign object; "" where there is none. */
export const textFieldsOf =
  (value: unknown) =>
  (name: string): string => {
    const field = fieldOf(value, name);
    return typeof field === "string" ? field : "";
  };

/** A field of a foreign object, whatever it is. */
export const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;

/** A documented reason or state is one word; anything else is foreign text and stays out. */
export const isWord = (text: string) => /^[a-z_-]{1,40}$/.test(text);
