import { StoreError } from "../adapters/store/store-error.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { BounceReader, BounceSettings } from "../providers/transport/bounce.ts";
import type { ArrivedMail } from "../runtime/lmtp/server.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import { createTurns } from "./turns.ts";

/** A provider's account whose bounces are taken. */
export interface BounceAccount {
  reader: BounceReader;
  account: string;
  settings: BounceSettings;
}

export interface BounceParts {
  /** Those of the moment: accounts come and go while the process runs. */
  accounts(): readonly BounceAccount[];
  /** Durable when resolved. Rejects with a StoreError while the store is unavailable. */
  apply(receipts: readonly Receipt[]): Promise<unknown>;
  clock: Clock;
  log: Logger;
  metrics: FeedbackMetrics;
}

/** Mails to the return paths of attempts, which become receipts. */
export function createBounces({ accounts, apply, clock, log, metrics }: BounceParts) {
  const ownTurn = createTurns(clock);
  const storing = createStateLog(
    log,
    { lost: "store unavailable: bounces are answered 451, and mail servers repeat them", back: "store available again: bounces are taken" },
    clock.monotonic,
  );

  function ownerOf(address: string): (BounceAccount & { attemptId: string }) | undefined {
    for (const of of accounts()) {
      const attemptId = of.reader.attemptOf(address, of.settings, clock.now());
      if (attemptId !== undefined) return { ...of, attemptId };
    }
    return undefined;
  }

  return {
    /** Whether it is the return path of an attempt, signed by us. */
    accepts: (address: string) => ownerOf(address) !== undefined,
    /** True once the mail's receipt is durable, or where it has none. */
    async take({ sender, recipient, message }: ArrivedMail): Promise<boolean> {
      const owner = ownerOf(recipient);
      // Its account was removed meanwhile: as for a webhook whose account is unknown, nothing is left to do.
      if (owner === undefined) return true;
      const { reader, account, attemptId } = owner;
      const count = (result: string) => metrics.bounces.inc({ provider: reader.provider, account, result });
      await ownTurn();
      const receipt = await reader.read({ attemptId, sender, message, receivedAt: clock.now() });
      if (receipt === undefined) {
        count("ignored");
        return true;
      }
      try {
        await apply([{ ...receipt, account }]);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        storing.fails({ err: error });
        count("deferred");
        return false;
      }
      storing.works();
      count(receipt.kind);
      return true;
    },
  };
}
