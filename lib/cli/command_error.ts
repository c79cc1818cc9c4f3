/**
 * The errors that end a command with a message instead of a stack trace.
 *
 * @module
 */

/** Something failed that is no fault of the program: exit code 1. */
export class CommandError extends Error {
  static {
    this.prototype.name = "CommandError";
  }
}

/** The arguments make no sense: exit code 2. */
export class UsageError extends Error {
  static {
    this.prototype.name = "UsageError";
  }
}

/** Runs the checks of arguments, whose errors then are about the usage. */
export function asUsage<Value>(check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(error.message);
  }
}
