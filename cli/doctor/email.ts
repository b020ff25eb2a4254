import type { DNSResolver } from "mailauth";
import { checkEmail } from "../../operations/doctor/check-email.ts";

/** Prints what was found, a line each; the exit status is 1 where anything is bad. */
export async function runDoctorEmail(
  message: Buffer,
  { resolver, print }: { resolver: DNSResolver; print(text: string): void },
): Promise<number> {
  const findings = await checkEmail(message, resolver);
  const width = Math.max(...findings.map(({ about }) => about.length));
  for (const { kind, about, says } of findings) print(`  ${kind.padEnd(4)}  ${about.padEnd(width)}  ${says}`);
  const count = findings.filter(({ kind }) => kind === "bad").length;
  print(count === 0 ? "One-click unsubscribe works by this mail." : `${count} ${count === 1 ? "thing is" : "things are"} wrong.`);
  return count === 0 ? 0 : 1;
}
