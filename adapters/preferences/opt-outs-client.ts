import { status } from "@grpc/grpc-js";
import type { OptOutAnswer, OptOutQuestion, OptOuts } from "../../core/ports/opt-outs.ts";
import { REFUSALS } from "../../core/preferences/answer.ts";
import { type PreferenceAnswer, PreferenceServiceClient, PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { createBatcher } from "../../runtime/batch.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { internalMetadata } from "../../runtime/grpc/internal-call.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import type { InternalTokens } from "../../runtime/internal-tokens.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import type { Certificates } from "../../runtime/tls/grpc-tls.ts";
import { channelToProto, classToProto, plainEndpointToProto } from "../wire/convert.ts";

/** Deadline of one call, and of the wait before it. The preferences service gives its store 800 ms. */
export const CHECK_DEADLINE_MS = 1_000;
/** The most questions of one call, by its contract. */
const BATCH_MAX = 1_000;
/** Bytes of the questions of one call: half of what the service takes in a message. */
const BATCH_BYTES_MAX = 512 * 1_024;
/** Of a question without its texts: tags, lengths, the category. */
const QUESTION_BYTES = 100;
/** Concurrent calls. */
const CONCURRENCY = 4;
/** Waiting questions; beyond it the answer is "unknown" at once, because it would not come within the deadline. */
const WAITING_MAX = 20_000;

/** Whether the preferences service answers, and takes our token. */
export type Probe = { kind: "answers" } | { kind: "fails"; code: number; fault: string };

interface Asked {
  question: OptOutQuestion;
  bytes: number;
  answer(answer: OptOutAnswer): void;
}

export interface OptOutsClient extends OptOuts, Disposable {
  /** Within CHECK_DEADLINE_MS. Never rejects. */
  probe(): Promise<Probe>;
}

/** Asks the preferences service. After any error every answer is "unknown", within 2 × CHECK_DEADLINE_MS; the log says so once. */
export function createOptOutsClient(options: {
  /** host:port, or dns:///name:port */
  address: string;
  tokens: InternalTokens;
  tls?: Certificates | undefined;
  log: Logger;
}): OptOutsClient {
  const client = createClient(PreferenceServiceClient, options.address, { tls: options.tls });

  const state = createStateLog(options.log, {
    lost: "preferences cannot be read: critical is sent after a wait, and the others wait",
    back: "preferences can be read again",
  });

  async function checkOfApp(app: string, questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]> {
    const metadata = internalMetadata(options.tokens, app);
    // While a pod restarts, waiting for it is better than the answer "unknown".
    metadata.setOptions({ waitForReady: true });
    const request = { questions: questions.map(questionToProto), acceptsUnknown: true };
    try {
      const { answers } = await callUnary(client, PreferenceServiceService.checkPreferences, request, {
        metadata,
        deadlineMs: CHECK_DEADLINE_MS,
      });
      if (answers.length !== questions.length) throw new TypeError(`${answers.length} answers to ${questions.length} questions`);
      if (answers.every(({ unknown }) => unknown)) state.fails("it cannot read them");
      else state.works();
      return answers.map(answerFromProto);
    } catch (error) {
      state.fails(faultOf(error).fault);
      return questions.map(() => "unknown");
    }
  }

  const batcher = createBatcher<Asked, void>(
    async (asked) => {
      // Each app is answered when its own call is, not when the largest of those made together is.
      const ofApps = Map.groupBy(asked, ({ question }) => question.app);
      await Promise.all(
        [...ofApps].map(async ([app, ofApp]) => {
          const questions = ofApp.map(({ question }) => question);
          const answers = await checkOfApp(app, questions);
          for (const [i, { answer }] of ofApp.entries()) answer(answers[i]!);
        }),
      );
      return asked.map(() => undefined);
    },
    {
      batchMax: BATCH_MAX,
      waitingMax: WAITING_MAX,
      concurrency: CONCURRENCY,
      waitMaxMs: CHECK_DEADLINE_MS,
      batchBytesMax: BATCH_BYTES_MAX,
    },
    systemClock,
    { laneOf: ({ question }) => question.app, bytesOf: ({ bytes }) => bytes },
  );

  function ask(question: OptOutQuestion): Promise<OptOutAnswer> | OptOutAnswer {
    // A question without a subject would make the whole call invalid.
    if (!question.userId && !question.endpoint) return "unknown";
    return new Promise((answer) => {
      batcher.add({ question, bytes: questionBytes(question), answer }).catch(() => answer("unknown"));
    });
  }

  return {
    async probe() {
      try {
        const metadata = internalMetadata(options.tokens, "carillon");
        await callUnary(client, PreferenceServiceService.checkPreferences, NOTHING, { metadata, deadlineMs: CHECK_DEADLINE_MS });
        return { kind: "answers" };
      } catch (error) {
        const found = faultOf(error);
        return found.code === status.INVALID_ARGUMENT ? { kind: "answers" } : { kind: "fails", ...found };
      }
    },
    check: (questions) => Promise.all(questions.map(ask)),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Where no connection stands, grpc-js says why; where none failed lately, it says null. */
const NO_CONNECTION =
  /^(?:round_robin: )?(?:No connection established\. Last error: )+(?!null)(?:Error: )?([\x20-\x7e]{1,160}?)(?:\. Resolution note:|$)/;
const NO_ADDRESS = /^(Name resolution failed) for target /;

function faultOf(error: unknown): { code: number; fault: string } {
  const { code, message } = readDetails(error);
  return { code, fault: NO_CONNECTION.exec(message)?.[1] ?? NO_ADDRESS.exec(message)?.[1] ?? status[code] ?? "UNKNOWN" };
}

/** A request without questions: it is rejected, but only after the token was accepted. */
const NOTHING = { questions: [], acceptsUnknown: true };

/** UTF-8 takes at most three bytes for a UTF-16 unit, and only e-mail addresses have others than ASCII. */
function questionBytes({ userId = "", endpoint, category, pool = "" }: OptOutQuestion): number {
  let units = userId.length + category.length + pool.length;
  if (endpoint) for (const text of Object.values(endpoint)) units += endpoint.channel === "email" ? 3 * text.length : text.length;
  return QUESTION_BYTES + units;
}

/** A service of another version may give a reason that this one does not know: it refuses all the same. */
function answerFromProto({ optedOut, reason, unknown }: PreferenceAnswer): OptOutAnswer {
  if (optedOut) return REFUSALS.find((refusal) => refusal === reason?.code) ?? "opted-out";
  return unknown ? "unknown" : "allowed";
}

const questionToProto = ({ userId, endpoint, channel, category, notificationClass, pool = "" }: OptOutQuestion) => ({
  userId: userId ?? "",
  endpoint: endpoint && plainEndpointToProto(endpoint),
  channel: channelToProto(channel),
  category,
  notificationClass: classToProto(notificationClass),
  senderPool: pool,
});
