import type { Answers } from "./grpc-wire.ts";
import type { AttackWorld, RoleName } from "./world.ts";

/** One way to misuse the system, and what must not happen. */
export interface Attack {
  name: string;
  /** In a few words, for the table. */
  about: string;
  /** Whose memory and health are measured. */
  target: RoleName;
  /** What the attacker was answered, by name. Bounded in time and number; leaves nothing open. */
  run(world: AttackWorld): Promise<Answers>;
  /** What the attacker must not be answered; one sentence for each. The process's life, its memory and the ordinary caller are judged always. */
  faults?(answers: Answers, world: AttackWorld): Promise<string[]> | string[];
}

/** A fault for each answer that is not one of these. */
export const only =
  (...expected: string[]) =>
  (answers: Answers): string[] =>
    Object.entries(answers).flatMap(([answer, times]) => (expected.includes(answer) ? [] : [`${times} × ${answer}`]));
