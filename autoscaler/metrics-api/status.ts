/** A failure as Kubernetes answers it: meta/v1 Status. The HPA's condition shows the message to operators. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Failure";
  message: string;
  reason: string;
  code: number;
}

const CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  InternalError: 500,
  ServiceUnavailable: 503,
} as const;
export type StatusReason = keyof typeof CODES;

export interface Answer {
  code: number;
  body: object;
}

export const ok = (body: object): Answer => ({ code: 200, body });

/** @param message a sentence without secrets */
export function failure(reason: StatusReason, message: string): Answer {
  const code = CODES[reason];
  const body: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  return { code, body };
}
