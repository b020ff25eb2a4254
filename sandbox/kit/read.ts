import { timingSafeEqual } from "node:crypto";

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** The JSON value of a body; undefined where the body is not JSON. */
export function parseJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** The delivery id of an attempt id, which is "<delivery id>/<number>". */
export const deliveryOf = (attemptId: string) => attemptId.slice(0, Math.max(0, attemptId.lastIndexOf("/")));

/** User and password of a Basic header. */
export function parseBasic(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic\s+(\S+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export const parseBearer = (header: string | undefined) => /^bearer\s+(\S+)$/i.exec(header ?? "")?.[1];

export function sameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
