import type { ChainableCommander, Redis } from "ioredis";

/** Commands or keys sent at once, so that no single one holds up Redis for more than about a millisecond. */
export const CHUNK = 512;

/** A command for each item, a chunk at a time; resolves with its answers. Rejects with the first error among them. */
export async function inPipelines<T>(
  redis: Redis,
  items: readonly T[],
  command: (pipeline: ChainableCommander, item: T) => void,
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let i = 0; i < items.length; i += CHUNK) {
    const pipeline = redis.pipeline();
    for (const item of items.slice(i, i + CHUNK)) command(pipeline, item);
    answers.push(...(await answersOf(pipeline)));
  }
  if (answers.length !== items.length) throw new Error("Redis answered with a wrong number of results");
  return answers;
}

/** Rejects with the first error among the answers. */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
