/** Systems for the doctor's tests: a tree of files, and what libasound and the kernel answer. */
import { HalflapError } from "../lib/errors.ts";
import type { GrantedRealtime } from "../lib/realtime.ts";
import type { Examination, Finding } from "../lib/cli/doctor/check.ts";
import { Inaccessible, type InaccessibleReason } from "../lib/cli/doctor/inaccessible.ts";
import type { System } from "../lib/cli/doctor/system.ts";

export interface Invention {
  /** Text files and devices, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files, folders and devices that cannot be accessed although they may be there. */
  readonly refusals?: Readonly<Record<string, InaccessibleReason>>;
  /** The version of libasound; null where it is missing. */
  readonly libasound?: string | null;
  /** The priority granted, or 0. */
  readonly grantedPriority?: number;
}

const missing = new HalflapError('Cannot load "libasound.so.2"', {
  code: "ERR_HALFLAP_LIBRARY_MISSING",
  hint: 'install ALSA: "apt-get install libasound2"',
});

class InventedSystem implements System {
  readonly #invention: Invention;
  readonly #files: ReadonlyMap<string, string>;

  constructor(invention: Invention) {
    this.#invention = invention;
    this.#files = new Map(Object.entries(invention.files ?? {}));
  }

  readText(path: string): string | Inaccessible {
    return this.#refusal(path) ?? this.#files.get(path) ?? new Inaccessible(path, "missing");
  }

  list(path: string): readonly string[] | Inaccessible {
    const refusal = this.#refusal(path);
    if (refusal !== undefined) return refusal;
    const below = [...this.#files.keys()].filter((file) => file.startsWith(`${path}/`));
    const names = new Set(below.map((file) => file.slice(path.length + 1).split("/")[0]!));
    return names.size > 0 ? [...names] : new Inaccessible(path, "missing");
  }

  tryOpen(path: string): Inaccessible | undefined {
    if (this.#files.has(path)) return this.#refusal(path);
    return this.#refusal(path) ?? new Inaccessible(path, "missing");
  }

  libasoundVersion(): string {
    const { libasound = "1.2.8" } = this.#invention;
    if (libasound === null) throw missing;
    return libasound;
  }

  tryRealtime(priority: number): Promise<GrantedRealtime> {
    const { libasound, grantedPriority = priority } = this.#invention;
    if (libasound === null) return Promise.reject(missing);
    const reason = grantedPriority > 0 ? "granted" : "the system denied SCHED_FIFO";
    return Promise.resolve({ priority: grantedPriority, reason });
  }

  #refusal(path: string): Inaccessible | undefined {
    const reason = this.#invention.refusals?.[path];
    return reason === undefined ? undefined : new Inaccessible(path, reason, "invented");
  }
}

export function inventSystem(invention: Invention = {}): System {
  return new InventedSystem(invention);
}

/** Looks at one thing of an invented system. */
export async function examine(
  { examine }: Examination,
  invention: Invention = {},
): Promise<Finding> {
  const result = await examine(inventSystem(invention));
  return result instanceof Inaccessible ? { status: "unknown", found: result.why } : result;
}

export interface Limits {
  readonly priority?: string;
  readonly memory?: string;
  readonly timeout?: string;
}

/** The text of /proc/self/limits. */
export function limitsText(
  { priority = "0", memory = "8388608", timeout = "unlimited" }: Limits = {},
): string {
  const line = (name: string, value: string, unit: string): string =>
    `${name.padEnd(25)} ${value.padEnd(20)} ${value.padEnd(20)} ${unit.padEnd(10)}\n`;
  return line("Limit", "Soft Limit", "Units") +
    line("Max open files", "1024", "files") +
    line("Max locked memory", memory, "bytes") +
    line("Max realtime priority", priority, "") +
    line("Max realtime timeout", timeout, "us");
}

export interface Status {
  /** CapEff, in hexadecimal. */
  readonly capabilities?: string;
  readonly groups?: readonly number[];
  readonly seccomp?: number;
}

/** The text of /proc/self/status. */
export function statusText(
  { capabilities = "0000000000000000", groups = [], seccomp = 0 }: Status = {},
): string {
  return `Name:\tdeno
Tgid:\t4711
Pid:\t4711
Uid:\t1000\t1000\t1000\t1000
Gid:\t1000\t1000\t1000\t1000
Groups:\t${groups.join(" ")} 
CapInh:\t0000000000000000
CapEff:\t${capabilities}
Seccomp:\t${seccomp}
`;
}

export interface ThreadStat {
  readonly name: string;
  readonly policy: number;
  readonly priority: number;
  readonly isKernels?: boolean;
}

/** The text of /proc/PID/stat. */
export function statText({ name, policy, priority, isKernels = false }: ThreadStat): string {
  const fields = Array<number>(52).fill(0);
  fields[0] = 4711;
  fields[8] = isKernels ? 0x0420_8040 : 0x0040_0040;
  fields[39] = priority;
  fields[40] = policy;
  return fields.map((value, index) => index === 1 ? `(${name})` : index === 2 ? "S" : value)
    .join(" ") + "\n";
}
