import { isUtf8 } from "node:buffer";
import { StoreError } from "../../adapters/store/store-error.ts";
import { APP_ID, type AppRecord } from "../../core/apps/app.ts";
import type { Store } from "../../core/ports/store.ts";
import { APP_ID_RULE, firstApps } from "../../operations/apps/apps.ts";
import { type Order, orderFault, REASON_MAX } from "../../operations/steering/audit-log.ts";
import type { HttpRequest, HttpResponse } from "../../runtime/http/server.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { parseStrictJson } from "../../runtime/strict-json.ts";
import { cut } from "../../runtime/text.ts";
import { apiError, json, type SessionRoute } from "../auth/protect.ts";
import type { Session } from "../session.ts";

/** The longest body: a filter, or an order with its reason. */
export const BODY_BYTES_MAX = 16_384;
/** Characters of a value that is one of a list. */
const NAME_MAX = 100;
/** Objects and lists within one another: bodies have two. */
const DEPTH_MAX = 8;

/** A mistake of the caller, with what is wrong in words. */
export class RequestFault extends Error {
  override name = "RequestFault";
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

export const get = (path: string, answer: (request: HttpRequest, session: Session) => Promise<unknown>): SessionRoute => ({
  ...{ method: "GET", path },
  handle: (request, session) => answered(() => answer(request, session)),
});

/** @param answer gets the body, an object; its fields are not checked */
export const post = (path: string, answer: (body: Fields, session: Session) => Promise<unknown>): SessionRoute => ({
  ...{ method: "POST", path, bodyBytesMax: BODY_BYTES_MAX },
  handle: ({ body }, session) => answered(() => answer(fieldsOf(body), session)),
});

async function answered(work: () => Promise<unknown>): Promise<HttpResponse> {
  try {
    return json(await work());
  } catch (error) {
    if (error instanceof RequestFault) return apiError(error.status, "request", error.message);
    if (error instanceof StoreError) return apiError(503, "unavailable", error.message);
    if (error instanceof OperatorError) return apiError(400, "request", error.message);
    throw error;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(body: Buffer): Fields {
  if (!isUtf8(body)) throw new RequestFault("the body must be JSON in UTF-8");
  const read = parseStrictJson(body, DEPTH_MAX);
  switch (read.kind) {
    case "too-deep":
      throw new RequestFault(`the JSON has more than ${DEPTH_MAX} objects and lists within one another`);
    case "not-json":
      throw new RequestFault("the body is not JSON");
    case "twice":
      throw new RequestFault(`${cut(read.path, NAME_MAX)} is given twice`);
    case "value":
      return objectOf(read.value, "the body");
  }
}

export function objectOf(given: unknown, name: string): Fields {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new RequestFault(`${name} must be an object`);
  return given as Fields;
}

/** Most apps that are listed, and that a search reads. */
const APPS_MAX = 200;

/** The first APPS_MAX, by id, and whether there are more. */
export const appsOf = ({ apps }: Pick<Store, "apps">): Promise<{ apps: AppRecord[]; isCut: boolean }> => firstApps(apps, APPS_MAX);

export async function appIdsOf(store: Pick<Store, "apps">): Promise<{ apps: string[]; areAppsCut: boolean }> {
  const { apps, isCut } = await appsOf(store);
  return { apps: apps.map(({ id }) => id), areAppsCut: isCut };
}

/** Throws a RequestFault with status 404 where there is no such app: for a mistyped one in a link, an empty page would say that nothing was sent. */
export async function requireApp({ apps }: Pick<Store, "apps">, id: string): Promise<void> {
  if ((await apps.find(id)) === undefined) throw new RequestFault(`there is no app ${id}`, 404);
}

/** An app's id, which need not be one that there is; undefined where it is empty or absent. */
export function optionalApp(fields: Fields): string | undefined {
  const app = textOf(fields, "app", NAME_MAX);
  if (app !== "" && !APP_ID.test(app)) throw new RequestFault(`app ${APP_ID_RULE}; what is given has ${app.length} characters`);
  return app || undefined;
}

/** An integer from 0 to `max`; absent: 0. */
export function countOf(fields: Fields, name: string, max: number): number {
  const given = fields[name] ?? 0;
  if (typeof given !== "number" || !Number.isSafeInteger(given) || given < 0 || given > max)
    throw new RequestFault(
      `${name} must be an integer from 0 to ${max}; what is given is ${typeof given === "number" ? "another number" : `of type ${typeof given}`}`,
    );
  return given;
}

/** One of a list; undefined where it is empty or absent. */
export const optionalOneOf = <T extends string>(fields: Fields, name: string, all: readonly T[]): T | undefined =>
  textOf(fields, name, NAME_MAX) === "" ? undefined : oneOf(fields, name, all);

export function oneOf<T extends string>(fields: Fields, name: string, all: readonly T[]): T {
  const given = textOf(fields, name, NAME_MAX);
  const found = all.find((known) => known === given);
  if (found === undefined) throw new RequestFault(`${name} must be one of ${all.join(", ")}`);
  return found;
}

/** Who asks, and why, for the log of actions. */
export const readOrder = (body: Fields, session: Session): Order => orderOf(session, readReason(body));

export function orderOf(session: Session, reason: string): Order {
  const order = { actor: session.name, reason };
  const fault = orderFault(order, { actor: "your name", reason: "reason" });
  if (fault !== undefined) throw new RequestFault(fault);
  return order;
}

/** A text of at most `max` characters; absent: empty. */
export function textOf(fields: Fields, name: string, max: number): string {
  const given = fields[name] ?? "";
  if (typeof given !== "string") throw new RequestFault(`${name} must be a text; what is given is of type ${typeof given}`);
  if (given.length > max) throw new RequestFault(`${name} has at most ${max} characters; what is given has ${given.length}`);
  if (!given.isWellFormed()) throw new RequestFault(`${name} has half of a surrogate pair (\\ud800 to \\udfff), which UTF-8 cannot hold`);
  return given;
}

export function flagOf(fields: Fields, name: string): boolean {
  const given = fields[name] ?? false;
  if (typeof given !== "boolean") throw new RequestFault(`${name} must be true or false; what is given is of type ${typeof given}`);
  return given;
}

/** The reason of an order, for the log of actions. */
export function readReason(body: Fields): string {
  const reason = textOf(body, "reason", REASON_MAX).trim();
  if (reason === "") throw new RequestFault("reason is empty: it is kept in the log of actions");
  return reason;
}
