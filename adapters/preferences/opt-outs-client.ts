import type { OptOutAnswer, OptOutQuestion, OptOuts } from "../../core/ports/opt-outs.ts";
import { PreferenceServiceClient, PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { createBatcher } from "../../runtime/batch.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { internalMetadata } from "../../runtime/grpc/internal-call.ts";
import type { InternalTokens } from "../../runtime/internal-tokens.ts";
import type { Certificates } from "../../runtime/tls/grpc-tls.ts";
import { channelToProto, endpointToProto } from "../wire/convert.ts";

/** Deadline of one call, and of the wait before it. The preferences service gives its store 800 ms. */
export const CHECK_DEADLINE_MS = 1_000;
/** The most questions of one call, by its contract. */
const BATCH_MAX = 1_000;
/** Concurrent calls. */
const CONCURRENCY = 4;
/** Waiting questions; beyond it the answer is "unknown" at once, because it would not come within the deadline. */
const WAITING_MAX = 20_000;

/** Asks the preferences service. After any error the answer is "unknown", within 2 × CHECK_DEADLINE_MS. */
export function createOptOutsClient(options: {
  /** host:port, or dns:///name:port */
  address: string;
  tokens: InternalTokens;
  tls?: Certificates | undefined;
}): OptOuts & Disposable {
  const client = createClient(PreferenceServiceClient, options.address, { tls: options.tls });

  async function checkOfApp(app: string, questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]> {
    const metadata = internalMetadata(options.tokens, app);
    // While a pod restarts, waiting for it is better than the answer "unknown".
    metadata.setOptions({ waitForReady: true });
    const request = { questions: questions.map(questionToProto) };
    try {
      const { answers } = await callUnary(client, PreferenceServiceService.checkPreferences, request, {
        metadata,
        deadlineMs: CHECK_DEADLINE_MS,
      });
      if (answers.length !== questions.length) return questions.map(() => "unknown");
      return answers.map((a) => (a.optedOut ? "opted-out" : "allowed"));
    } catch {
      return questions.map(() => "unknown");
    }
  }

  const batcher = createBatcher<OptOutQuestion, OptOutAnswer>(
    async (questions) => {
      const answers = questions.map((): OptOutAnswer => "unknown");
      const byApp = new Map<string, number[]>();
      for (const [i, question] of questions.entries()) {
        // A question without a subject would make the whole call invalid.
        if (!question.userId && !question.endpoint) continue;
        const indexes = byApp.get(question.app);
        if (indexes) indexes.push(i);
        else byApp.set(question.app, [i]);
      }
      await Promise.all(
        [...byApp].map(async ([app, indexes]) => {
          const ofApp = await checkOfApp(
            app,
            indexes.map((i) => questions[i]!),
          );
          for (const [n, i] of indexes.entries()) answers[i] = ofApp[n]!;
        }),
      );
      return answers;
    },
    { batchMax: BATCH_MAX, waitingMax: WAITING_MAX, concurrency: CONCURRENCY, waitMaxMs: CHECK_DEADLINE_MS },
    systemClock,
  );

  return {
    check: (questions) => Promise.all(questions.map((question) => batcher.add(question).catch((): OptOutAnswer => "unknown"))),
    [Symbol.dispose]: () => client.close(),
  };
}

const questionToProto = ({ userId, endpoint, channel, category }: OptOutQuestion) => ({
  userId: userId ?? "",
  endpoint: endpoint && endpointToProto(endpoint),
  channel: channelToProto(channel),
  category,
});
