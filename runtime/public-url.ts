import { url, type Variable } from "./config.ts";

/** A base URL as others reach it, without a slash at its end; paths are appended. "" where it is not given. */
export function publicUrl({ reason }: { reason: string }): Variable<string> {
  const variable = url(["https", "http"], { default: "", reason });
  return {
    ...variable,
    parse(given) {
      if (given === "") return "";
      const { username, password, search, hash } = new URL(variable.parse(given));
      if (username + password + search + hash !== "") throw new Error("must have no credentials, query or fragment");
      return given.replace(/[?#]$/, "").replace(/\/+$/, "");
    },
  };
}
