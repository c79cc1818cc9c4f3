/** Reads what a shared library of Linux exports and needs: 64-bit ELF files, little endian. */
import assert from "node:assert/strict";

export interface SharedLibrary {
  /** Names of the functions and objects that others can use. */
  readonly exported: readonly string[];
  /** Names of the functions and objects that others must have. */
  readonly imported: readonly string[];
  /** Names of the libraries that are loaded with it. */
  readonly needed: readonly string[];
  /** Versions of other libraries' symbols, such as "GLIBC_2.28". */
  readonly neededVersions: readonly string[];
  /** Names of the sections. */
  readonly sections: readonly string[];
  /** ELF's number of the processor. */
  readonly machine: number;
}

/** ELF's numbers of processors. */
export const machines = { "x86_64-linux": 62, "aarch64-linux": 183 } as const;

const sectionEntryBytes = 64;
const symbolBytes = 24;
const dynamicEntryBytes = 16;
const undefinedSection = 0;
const neededTag = 1n;
const localBinding = 0;

interface Section {
  readonly name: string;
  readonly bytes: DataView;
  readonly entries: number;
}

function textAt(table: DataView, offset: number): string {
  let end = offset;
  while (table.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(
    new Uint8Array(table.buffer, table.byteOffset + offset, end - offset),
  );
}

function readSections(file: DataView): readonly Section[] {
  const start = Number(file.getBigUint64(0x28, true));
  const count = file.getUint16(0x3c, true);
  const headers = Array.from({ length: count }, (_, index) => {
    const at = start + index * sectionEntryBytes;
    const type = file.getUint32(at + 4, true);
    const offset = Number(file.getBigUint64(at + 24, true));
    const occupiesNothing = type === 8;
    const length = occupiesNothing ? 0 : Number(file.getBigUint64(at + 32, true));
    return {
      nameOffset: file.getUint32(at, true),
      bytes: new DataView(file.buffer, file.byteOffset + offset, length),
      entries: file.getUint32(at + 44, true),
    };
  });
  const names = headers[file.getUint16(0x3e, true)];
  assert.ok(names, "There are no names of sections");
  return headers.map(({ nameOffset, bytes, entries }) => ({
    name: textAt(names.bytes, nameOffset),
    bytes,
    entries,
  }));
}

function readSymbols(symbols: DataView, names: DataView) {
  const count = symbols.byteLength / symbolBytes;
  const all = Array.from({ length: count }, (_, index) => {
    const at = index * symbolBytes;
    return {
      name: textAt(names, symbols.getUint32(at, true)),
      isLocal: symbols.getUint8(at + 4) >> 4 === localBinding,
      isDefined: symbols.getUint16(at + 6, true) !== undefinedSection,
    };
  });
  const shared = all.filter(({ isLocal, name }) => !isLocal && name !== "");
  return {
    exported: shared.filter(({ isDefined }) => isDefined).map(({ name }) => name).sort(),
    imported: shared.filter(({ isDefined }) => !isDefined).map(({ name }) => name).sort(),
  };
}

function readNeeded(dynamic: DataView, names: DataView): readonly string[] {
  const count = dynamic.byteLength / dynamicEntryBytes;
  const offsets = Array.from({ length: count }, (_, index) => index * dynamicEntryBytes)
    .filter((at) => dynamic.getBigInt64(at, true) === neededTag)
    .map((at) => Number(dynamic.getBigUint64(at + 8, true)));
  return offsets.map((offset) => textAt(names, offset));
}

/** The section of needed versions is a list of libraries, each with a list of versions. */
function readNeededVersions({ bytes, entries }: Section, names: DataView): readonly string[] {
  const versions: string[] = [];
  let at = 0;
  for (let library = 0; library < entries; library++) {
    let versionAt = at + bytes.getUint32(at + 8, true);
    for (let left = bytes.getUint16(at + 2, true); left > 0; left--) {
      versions.push(textAt(names, bytes.getUint32(versionAt + 8, true)));
      versionAt += bytes.getUint32(versionAt + 12, true);
    }
    at += bytes.getUint32(at + 12, true);
  }
  return versions;
}

/** Reads a shared library from the bytes of its file. */
export function readSharedLibrary(file: Uint8Array): SharedLibrary {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  assert.equal(view.getUint32(0, false), 0x7f454c46, "It is no ELF file");
  assert.deepEqual([view.getUint8(4), view.getUint8(5)], [2, 1], "It is not 64-bit little endian");
  const sections = readSections(view);
  const section = (name: string): Section => {
    const found = sections.find((section) => section.name === name);
    assert.ok(found, `There is no section "${name}"`);
    return found;
  };
  const names = section(".dynstr").bytes;
  return {
    ...readSymbols(section(".dynsym").bytes, names),
    needed: readNeeded(section(".dynamic").bytes, names),
    neededVersions: readNeededVersions(section(".gnu.version_r"), names),
    sections: sections.map(({ name }) => name),
    machine: view.getUint16(0x12, true),
  };
}
