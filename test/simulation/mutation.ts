/** A deliberate defect in one place of the code. A simulation that does not detect it proves nothing. */
export interface Mutation {
  name: string;
  /** Path from the repository root. */
  file: string;
  /** Text that occurs in the file exactly once. */
  find: string;
  replace: string;
  /** Replaces MUTATION_SEEDS for a mutation that only a rare coincidence reveals. */
  seeds?: number;
  /** One that revealed it, to begin with: saves the minute of those before. When another change moves it, all the others are run. */
  begin?: number;
}
