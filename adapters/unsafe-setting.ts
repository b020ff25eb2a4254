import { OperatorError } from "../runtime/operator-error.ts";

/** A setting of a server under which a promise could not be kept. */
export interface Danger {
  /** Whose, and which: "stream CARILLON_SMS, retention". */
  setting: string;
  value: string;
  why: string;
  /** What to do, as a command or a setting where possible. */
  fix: string;
}

/** A server that is not to be used as it is set. At start it ends the process with exit status 1; found later it is logged. */
export class UnsafeSettingError extends OperatorError {
  override name = "UnsafeSettingError";
  readonly dangers: readonly Danger[];
  /** @param server which, and where: "NATS at 127.0.0.1:4222"; never a credential */
  constructor(server: string, dangers: readonly Danger[]) {
    const lines = dangers.map(({ setting, value, why, fix }) => `${setting} is ${value}: ${why}; ${fix}`);
    super(
      lines.length === 1
        ? `${server}: ${lines[0]}`
        : `${server}: ${lines.length} dangerous settings\n${lines.map((l) => `  ${l}`).join("\n")}`,
    );
    this.dangers = dangers;
  }
}
