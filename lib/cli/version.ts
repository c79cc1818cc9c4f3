/**
 * The version of halflap. It is written here because reading package.json would take a permission.
 *
 * @module
 */

/** The version of the package. */
export const VERSION = "0.1.0";
