/**
 * Asks Deno for a permission before it is needed: Deno itself would ask the user, in the middle of
 * things and about more than is needed.
 *
 * @module
 */

type Descriptor =
  | { readonly name: "read" | "write"; readonly path: string }
  | { readonly name: "run"; readonly command: string }
  | { readonly name: "env"; readonly variable?: string };

interface PermissionHost {
  readonly permissions: { querySync(descriptor: Descriptor): { readonly state: string } };
}

/** Whether the runtime permits that; one without permissions permits everything. */
export function isPermitted(descriptor: Descriptor): boolean {
  const { Deno } = globalThis as { Deno?: PermissionHost };
  return Deno === undefined || Deno.permissions.querySync(descriptor).state === "granted";
}

/** Whether this is the error of a runtime that does not permit something. */
export function isPermissionError(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}
