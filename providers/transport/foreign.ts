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

/** Whether a foreign text is one word, as documented reasons and states are. Other text is not kept. */
export const isWord = (text: string) => /^[a-z_-]{1,40}$/.test(text);
