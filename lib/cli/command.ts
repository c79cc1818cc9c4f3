/**
 * What a subcommand of `halflap` is.
 *
 * @module
 */

/** A subcommand. */
export interface Command {
  /** What it does, in a few words for the list of commands. */
  readonly summary: string;
  /** Runs it with the arguments after its name; resolves with the exit code. */
  run(args: readonly string[]): Promise<number>;
}
