/** The command that a kernel of the tests runs, as the script that init.sh reads. */
import { root } from "../../scripts/toolchain.mjs";

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** `command` is an array of words; `env` has variables besides those of every command. */
export function commandScript(command, env) {
  const variables = Object.entries({ HOME: "/root", LANG: "C.UTF-8", NO_COLOR: "1", ...env });
  const exports = variables.map(([name, value]) => `export ${name}=${quote(value)}\n`);
  return `${exports.join("")}cd ${quote(root)} && exec ${command.map(quote).join(" ")}\n`;
}
