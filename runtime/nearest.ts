/** One mistake is allowed for each so many letters of a choice. */
const LETTERS_PER_MISTAKE = 3;

/** What was probably meant: the choice with the fewest mistakes, where they are few for its length. */
export function nearest(given: string, choices: readonly string[]): string | undefined {
  let best: { choice: string; mistakes: number } | undefined;
  for (const choice of choices) {
    const mistakes = distance(given, choice);
    if (mistakes <= Math.max(1, Math.floor(choice.length / LETTERS_PER_MISTAKE)) && mistakes < (best?.mistakes ?? Number.POSITIVE_INFINITY))
      best = { choice, mistakes };
  }
  return best?.choice;
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1, isSwap ? rows[i - 2]![j - 2]! + 1 : replaced));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
