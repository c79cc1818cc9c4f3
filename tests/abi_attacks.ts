/**
 * Attacks on the library's functions from below the module: forged handles, null buffers, lengths
 * that lie. Each runs in a process of its own, as `abi_attacks.ts NAME LIBRARY`, because it is
 * a crash that they provoke; exit code 0 says that the library stood it.
 */
import assert from "node:assert/strict";
import process from "node:process";
import {
  CAPABILITIES_LENGTH,
  CARD_OPTIONS_LENGTH,
  CARD_STATUS_LENGTH,
  CardClock,
  CardOptions,
  Command,
  COMPLETION_LENGTH,
  COUNTERS_LENGTH,
  DEVICE_LENGTH,
  Direction,
  DISTRIBUTION_LENGTH,
  ErrorCode,
  Fault,
  Format,
  GRANTED_LENGTH,
  GROUP_LENGTH,
  HANDOVER_LENGTH,
  MIX_INPUT_LENGTH,
  MIX_INPUT_STATS_LENGTH,
  MixInput,
  QUERY_STATUS_LENGTH,
  QueryText,
  SourceKind,
  State,
  Stats,
  STATS_LENGTH,
  STREAM_OPTIONS_LENGTH,
  StreamOptions,
  SYMBOLS,
  Tap,
  XRUN_LENGTH,
} from "../lib/ffi/abi.generated.ts";
import { type Argument, openRawLibrary, type RawLibrary, type SymbolName } from "./raw_library.ts";

const rate = 48_000;
const bytesPerFrame = 4;
const names = Object.keys(SYMBOLS) as SymbolName[];
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const codeNames = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);
const describe = (result: number): string => codeNames.get(result) ?? String(result);

/** Options of a stream of mono s32, changed as asked. */
function streamOptions(changes: Partial<Record<keyof typeof StreamOptions, number>> = {}) {
  const record = new Float64Array(STREAM_OPTIONS_LENGTH);
  const usual = {
    format: Format.s32,
    channels: 1,
    rate,
    rate_exact: 1,
    gain: 1,
    realtime_lowest: 1,
    realtime_highest: 3,
    cpu_dma_latency_us: -1,
  };
  for (const [name, value] of Object.entries({ ...usual, ...changes })) {
    record[StreamOptions[name as keyof typeof StreamOptions]] = value;
  }
  return record;
}

function cardOptions(changes: Partial<Record<keyof typeof CardOptions, number>> = {}) {
  const record = new Float64Array(CARD_OPTIONS_LENGTH);
  const usual = { clock: CardClock.simulated, tap: Tap.memory };
  for (const [name, value] of Object.entries({ ...usual, ...changes })) {
    record[CardOptions[name as keyof typeof CardOptions]] = value;
  }
  return record;
}

/** A library with a realm, a simulated card, and a stream that plays on it. */
class Target {
  readonly library: RawLibrary;
  readonly realm: number;
  readonly card: number;
  readonly stream: number;

  constructor(library: RawLibrary) {
    this.library = library;
    this.realm = this.succeed("halflap_realm_open");
    this.card = this.openCard();
    this.stream = this.open(`virtual:${this.card}`);
  }

  call(name: SymbolName, ...args: Argument[]): number {
    return this.library[name](...args);
  }

  succeed(name: SymbolName, ...args: Argument[]): number {
    const result = this.call(name, ...args);
    assert.ok(result >= 0, `${name}: ${describe(result)}`);
    return result;
  }

  /** Calls what must fail; `codes` are the errors that fit. */
  fail(codes: readonly number[], name: SymbolName, ...args: Argument[]): void {
    const result = this.call(name, ...args);
    const shown = args.map((arg) => typeof arg === "number" ? arg : arg && "buffer").join(", ");
    const expected = codes.map(describe).join(" or ");
    assert.ok(codes.includes(result), `${name}(${shown}): ${describe(result)}, not ${expected}`);
  }

  openCard(): number {
    const args = [this.realm, cardOptions(), CARD_OPTIONS_LENGTH, null, 0];
    return this.succeed("halflap_card_open", ...args);
  }

  open(device: string, options: Float64Array = streamOptions()): number {
    const name = encode(device);
    const { length } = options;
    const { realm } = this;
    const args = [realm, options, length, name, name.length, null, 0];
    const stream = this.succeed("halflap_stream_open", ...args);
    this.waitFor(stream, State.prepared);
    return stream;
  }

  state(stream: number): number {
    const record = new Float64Array(STATS_LENGTH);
    this.succeed("halflap_stream_stats", stream, record, STATS_LENGTH);
    return record[Stats.state] ?? NaN;
  }

  waitFor(stream: number, state: number): void {
    for (let wait = 0; wait < 1000 && this.state(stream) !== state; wait++) {
      this.succeed("halflap_realm_wait", this.realm, 10);
    }
    assert.equal(this.state(stream), state);
  }

  close(stream: number): void {
    this.succeed("halflap_stream_close", stream);
    this.waitFor(stream, State.closed);
    this.takeEvents();
    this.succeed("halflap_stream_release", stream);
  }

  /** Plays on a new stream and compares; after any attack, this must still work. */
  assertUnharmed(): void {
    const card = this.openCard();
    const stream = this.open(`virtual:${card}`);
    const samples = Int32Array.from({ length: 3000 }, (_, index) => index + 1);
    const { length, byteLength } = samples;
    assert.equal(this.call("halflap_stream_write", stream, samples, byteLength, 0, length), length);
    this.succeed("halflap_stream_command", stream, Command.drain, 0, -1);
    while (this.succeed("halflap_card_advance_frames", card, 4000, rate) === 1) this.takeEvents();
    const played = new Int32Array(length);
    assert.equal(this.call("halflap_card_played", card, 0, 0, played, byteLength), byteLength);
    assert.deepEqual(played, samples);
    this.close(stream);
    this.succeed("halflap_card_close", card);
  }

  takeEvents(): void {
    const pairs = new Uint32Array(200);
    while (this.succeed("halflap_realm_events", this.realm, pairs, 100) === 100);
  }

  /** Closes all, and fails where the library still holds something. */
  end(): void {
    this.close(this.stream);
    this.succeed("halflap_card_close", this.card);
    this.succeed("halflap_realm_close", this.realm);
    const counters = new Float64Array(COUNTERS_LENGTH);
    for (let poll = 0; poll < 1000; poll++) {
      this.succeed("halflap_counters", counters, COUNTERS_LENGTH);
      if (counters.every((count) => count === 0)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
    assert.deepEqual([...counters], Array(COUNTERS_LENGTH).fill(0));
  }
}

const parametersOf = (name: SymbolName): readonly string[] => SYMBOLS[name].parameters;
const isKind = (name: SymbolName, kind: string): boolean => name.startsWith(`halflap_${kind}_`);

const kinds = ["realm", "stream", "mix", "card", "query", "watch"];

/** Functions that take a handle first. */
const withHandle = names.filter((name) =>
  parametersOf(name)[0] === "u32" && kinds.some((kind) => isKind(name, kind))
);
/** Functions that take a realm and open something for it. */
const opening: readonly SymbolName[] = [
  "halflap_stream_open",
  "halflap_stream_attach",
  "halflap_mix_open",
  "halflap_card_open",
  "halflap_query_devices",
  "halflap_query_capabilities",
  "halflap_watch_open",
];

/** Functions whose handle is a stream's. */
const ofStream = (name: SymbolName): boolean =>
  (isKind(name, "stream") || isKind(name, "mix")) && !opening.includes(name);

/** Arguments that would do, but for the handle: memory for each buffer, 0 for each number. */
const harmlessArguments = (name: SymbolName): Argument[] =>
  parametersOf(name).slice(1).map((type) => type === "buffer" ? new Float64Array(512) : 0);

/** Memory of an exact length, with bytes behind it that nobody may change. */
function guarded(length: number): { memory: Float64Array; assertIntact(written: number): void } {
  const guard = 64;
  const whole = new Float64Array(length + guard).fill(-12_345);
  return {
    memory: whole.subarray(0, length),
    assertIntact(written) {
      const behind = whole.subarray(written);
      assert.ok(behind.every((value) => value === -12_345), `more than ${written} were written`);
    },
  };
}

const forgedHandles = [
  0,
  1,
  2,
  7,
  0x1000,
  0xffff,
  0x7fff_ffff,
  0x8000_0000,
  0xdead_beef,
  2 ** 32 - 1,
];
const noHandle = [ErrorCode.invalid_handle];
const noArgument = [ErrorCode.invalid_argument];
const { invalid_state } = ErrorCode;
const wrongNumbers = [NaN, Infinity, -Infinity, 1e308, -1e308];

function refuseHandles(target: Target): void {
  for (const name of withHandle) {
    for (const handle of forgedHandles) {
      if ([target.realm, target.card, target.stream].includes(handle)) continue;
      target.fail(noHandle, name, handle, ...harmlessArguments(name));
    }
  }
}

function refuseOtherKinds(target: Target): void {
  const handles = { realm: target.realm, card: target.card, stream: target.stream };
  for (const name of withHandle) {
    for (const [kind, handle] of Object.entries(handles)) {
      const fits = opening.includes(name) ? kind === "realm" : isKind(name, kind);
      if (fits || kind === "stream" && ofStream(name)) continue;
      target.fail(noHandle, name, handle, ...harmlessArguments(name));
    }
  }
}

function refuseStaleHandles(target: Target): void {
  const seen = new Set<number>();
  for (let round = 0; round < 300; round++) {
    const card = target.openCard();
    const stream = target.open(`virtual:${card}`);
    const realm = target.succeed("halflap_realm_open");
    target.close(stream);
    target.succeed("halflap_card_close", card);
    target.succeed("halflap_realm_close", realm);
    for (const handle of [card, stream, realm]) {
      assert.ok(!seen.has(handle), `handle ${handle} came twice in ${round} rounds`);
      seen.add(handle);
    }
  }
  for (const handle of seen) {
    for (const name of withHandle) target.fail(noHandle, name, handle, ...harmlessArguments(name));
  }
}

function refuseWrongStates(target: Target): void {
  const { card, realm, stream } = target;
  target.fail([invalid_state], "halflap_stream_release", stream);
  target.fail([invalid_state], "halflap_card_close", card);
  target.fail([invalid_state], "halflap_realm_close", realm);
  const closing = target.open(`virtual:${card}`);
  target.succeed("halflap_stream_close", closing);
  for (let again = 0; again < 3; again++) target.call("halflap_stream_close", closing);
  target.waitFor(closing, State.closed);
  target.takeEvents();
  const samples = new Int32Array(8);
  target.fail([invalid_state], "halflap_stream_write", closing, samples, 32, 0, 8);
  for (const command of Object.values(Command)) {
    target.fail([invalid_state], "halflap_stream_command", closing, command, 0, -1);
  }
  target.succeed("halflap_stream_release", closing);
  target.fail(noHandle, "halflap_stream_release", closing);
}

/** Gives streams away in the wrong order, twice, and by tokens that nobody made. */
function refuseWrongOwners(target: Target): void {
  const { card, realm } = target;
  const handover = new Float64Array(HANDOVER_LENGTH).fill(7);
  const token = (stream: number, length = HANDOVER_LENGTH, memory: Argument = handover) =>
    target.call("halflap_stream_token", stream, memory, length);
  const stream = target.open(`virtual:${card}`);
  assert.equal(token(stream), invalid_state);
  target.succeed("halflap_stream_detach", stream);
  target.fail([invalid_state], "halflap_stream_detach", stream);
  for (const length of [0, 1, HANDOVER_LENGTH + 1, 2 ** 32 - 1]) {
    assert.equal(token(stream, length), ErrorCode.invalid_argument);
  }
  assert.equal(token(stream, HANDOVER_LENGTH, null), ErrorCode.invalid_argument);
  const number = token(stream);
  assert.ok(number > 0, describe(number));
  for (const name of withHandle) {
    if (ofStream(name)) target.fail(noHandle, name, stream, ...harmlessArguments(name));
  }
  const unknown = [...wrongNumbers, 0, -1, 0.5, 2 ** 53, number - 1];
  for (const wrong of unknown) {
    target.fail([ErrorCode.unknown_token], "halflap_stream_attach", realm, wrong);
  }
  const attached = target.succeed("halflap_stream_attach", realm, number);
  assert.notEqual(attached, stream);
  target.fail([ErrorCode.unknown_token], "halflap_stream_attach", realm, number);
  const told = new Float64Array(HANDOVER_LENGTH);
  target.succeed("halflap_stream_handover", attached, told, HANDOVER_LENGTH);
  assert.deepEqual(told, handover);

  // Closed between the two, it belongs to the one that has not given it up.
  target.takeEvents();
  target.succeed("halflap_stream_detach", attached);
  target.succeed("halflap_stream_close", attached);
  assert.equal(token(attached), invalid_state);
  target.fail([invalid_state], "halflap_stream_detach", attached);
  target.waitFor(attached, State.closed);
  target.succeed("halflap_stream_release", attached);
}

/** Calls while a stream is still being opened, as a program could that does not wait. */
function callTooEarly(target: Target): void {
  const device = encode("virtual");
  for (let round = 0; round < 50; round++) {
    const { realm } = target;
    const args = [realm, streamOptions(), STREAM_OPTIONS_LENGTH, device, device.length, null, 0];
    const stream = target.succeed("halflap_stream_open", ...args);
    for (const name of withHandle) {
      if (!ofStream(name) || name === "halflap_stream_close") continue;
      target.call(name, stream, ...harmlessArguments(name));
    }
    target.succeed("halflap_stream_close", stream);
    target.waitFor(stream, State.closed);
    target.takeEvents();
    target.succeed("halflap_stream_release", stream);
  }
}

/** Releases streams whose events nobody has read. */
function forgetEvents(target: Target): void {
  for (let count = 1; count < 20; count++) {
    const streams = Array.from({ length: count }, () => target.open(`virtual:${target.card}`));
    for (const stream of streams) {
      target.succeed("halflap_stream_close", stream);
      target.waitFor(stream, State.closed);
      target.succeed("halflap_stream_release", stream);
    }
    const pairs = new Uint32Array(200);
    const pairCount = target.succeed("halflap_realm_events", target.realm, pairs, 100);
    const reported = [...pairs.subarray(0, 2 * pairCount)].filter((_, at) => at % 2 === 0);
    assert.deepEqual(reported.filter((handle) => streams.includes(handle)), []);
  }
}

function refuseNull(target: Target): void {
  const { card, realm, stream } = target;
  const device = encode("virtual");
  const text = (...rest: Argument[]) => ["halflap_stream_text", stream, 0, ...rest] as const;
  const calls: readonly (readonly [SymbolName, ...Argument[]])[] = [
    ["halflap_error_text", null, 100],
    ["halflap_libasound_version", null, 100],
    ["halflap_counters", null, COUNTERS_LENGTH],
    ["halflap_realm_events", realm, null, 10],
    ["halflap_stream_granted", stream, null, GRANTED_LENGTH],
    ["halflap_stream_stats", stream, null, STATS_LENGTH],
    ["halflap_stream_completions", stream, null, COMPLETION_LENGTH],
    ["halflap_stream_distribution", stream, 0, null, DISTRIBUTION_LENGTH],
    ["halflap_stream_group", stream, null, GROUP_LENGTH],
    text(null, 100),
    ["halflap_stream_write", stream, null, 400, 0, 100],
    ["halflap_card_open", realm, null, CARD_OPTIONS_LENGTH, null, 0],
    ["halflap_card_open", realm, cardOptions({ tap: Tap.wav }), CARD_OPTIONS_LENGTH, null, 10],
    ["halflap_card_open", realm, cardOptions({ tap: Tap.wav }), CARD_OPTIONS_LENGTH, null, 0],
    ["halflap_card_played", card, 0, 0, null, 400],
    ["halflap_card_status", card, 0, null, CARD_STATUS_LENGTH],
    ["halflap_stream_open", realm, null, STREAM_OPTIONS_LENGTH, device, device.length, null, 0],
    ["halflap_stream_open", realm, streamOptions(), STREAM_OPTIONS_LENGTH, null, 7, null, 0],
    ["halflap_stream_open", realm, streamOptions(), STREAM_OPTIONS_LENGTH, null, 0, null, 0],
  ];
  for (const [name, ...args] of calls) target.fail(noArgument, name, ...args);
  const clip = streamOptions({ source: SourceKind.clip });
  for (const clipBytes of [0, 400]) {
    const args = [realm, clip, clip.length, device, device.length, null, clipBytes];
    target.fail(noArgument, "halflap_stream_open", ...args);
  }
}

function keepWithinRecords(target: Target): void {
  const { card, stream } = target;
  const records: readonly [number, (record: Float64Array, length: number) => number][] = [
    [COUNTERS_LENGTH, (record, length) => target.call("halflap_counters", record, length)],
    [GRANTED_LENGTH, (...args) => target.call("halflap_stream_granted", stream, ...args)],
    [STATS_LENGTH, (...args) => target.call("halflap_stream_stats", stream, ...args)],
    [COMPLETION_LENGTH, (...args) => target.call("halflap_stream_completions", stream, ...args)],
    [
      DISTRIBUTION_LENGTH,
      (...args) => target.call("halflap_stream_distribution", stream, 0, ...args),
    ],
    [GROUP_LENGTH, (...args) => target.call("halflap_stream_group", stream, ...args)],
    [CARD_STATUS_LENGTH, (...args) => target.call("halflap_card_status", card, 0, ...args)],
  ];
  for (const [whole, read] of records) {
    for (const length of [0, 1, whole - 1]) {
      const { memory, assertIntact } = guarded(whole);
      read(memory, length);
      assertIntact(length);
    }
    for (const claimed of [whole, whole + 1, 100_000, 2 ** 32 - 1]) {
      const { memory, assertIntact } = guarded(whole);
      const result = read(memory, claimed);
      assert.ok(result >= 0 || result === ErrorCode.invalid_argument, describe(result));
      assertIntact(result < 0 ? 0 : whole);
    }
  }
}

function keepWithinTexts(target: Target): void {
  const { stream } = target;
  for (const which of [0, 1, 2, 3, 4, 5, 99, 2 ** 32 - 1]) {
    for (const length of [0, 1, 5, 7]) {
      const { memory, assertIntact } = guarded(1);
      const written = target.call("halflap_stream_text", stream, which, memory, length);
      assert.ok(written <= length && (which < 5 || written < 0), `text ${which}: ${written}`);
      assertIntact(1);
    }
  }
  target.fail(noHandle, "halflap_stream_close", 0);
  for (const length of [0, 1, 5, 7]) {
    const { memory, assertIntact } = guarded(1);
    for (const name of ["halflap_error_text", "halflap_libasound_version"] as const) {
      const written = target.call(name, memory, length);
      assert.ok(written >= 0 && written <= length, `${name}: ${written}`);
    }
    assertIntact(1);
  }
}

function keepWithinSamples(target: Target): void {
  const { card, stream } = target;
  const samples = new Int32Array(100);
  const most = 2 ** 32 - 1;
  const beyond = [[0, 101], [100, 1], [101, 0], [most, 1], [1, most], [most, most], [most, 2]];
  for (const [offset = 0, frames = 0] of beyond) {
    target.fail(noArgument, "halflap_stream_write", stream, samples, 400, offset, frames);
  }
  for (const bytes of [0, 1, 3]) {
    target.fail(noArgument, "halflap_stream_write", stream, samples, bytes, 0, 1);
  }
  assert.equal(target.call("halflap_stream_write", stream, samples, 400, 100, 0), 0);
  assert.equal(target.call("halflap_stream_write", stream, samples, 400, 90, 10), 10);
  target.succeed("halflap_stream_command", stream, Command.drain, 0, -1);
  while (target.succeed("halflap_card_advance_frames", card, 2000, rate) === 1) target.takeEvents();
  for (const offset of [...wrongNumbers, -1, 0.5]) {
    const { memory, assertIntact } = guarded(8);
    assert.ok(target.call("halflap_card_played", card, 0, offset, memory, 64) <= 0, String(offset));
    assertIntact(0);
  }
  assert.equal(target.call("halflap_card_played", card, 0, 1e15, samples, 400), 0);
  for (const length of [0, 1, 2, 3]) {
    const { memory, assertIntact } = guarded(8);
    assert.ok(target.call("halflap_card_played", card, 0, 0, memory, length) <= 0);
    assertIntact(0);
  }
  for (const substream of [1, 99, most]) {
    target.fail(noArgument, "halflap_card_played", card, substream, 0, samples, 400);
  }
}

/** Opens with one wrong number at each place of the options; nothing may be opened by it. */
function refuseOptions(target: Target): void {
  const { realm, card } = target;
  const device = encode(`virtual:${card}`);
  for (const [name, index] of Object.entries(StreamOptions)) {
    for (const value of wrongNumbers) {
      if (name === "start_threshold_frames" && value > 0) continue;
      const options = streamOptions({ source: name.startsWith("tone") ? SourceKind.tone : 0 });
      options[index] = value;
      const args = [realm, options, options.length, device, device.length, null, 0];
      target.fail(noArgument, "halflap_stream_open", ...args);
    }
  }
  for (const index of Object.values(CardOptions)) {
    for (const value of wrongNumbers) {
      const options = cardOptions();
      options[index] = value;
      target.fail(noArgument, "halflap_card_open", realm, options, options.length, null, 0);
    }
  }
  for (const length of [0, 1, STREAM_OPTIONS_LENGTH - 1, STREAM_OPTIONS_LENGTH + 1, 2 ** 32 - 1]) {
    const args = [realm, streamOptions(), length, device, device.length, null, 0];
    target.fail(noArgument, "halflap_stream_open", ...args);
  }
  for (const length of [0, 1, CARD_OPTIONS_LENGTH - 1, CARD_OPTIONS_LENGTH + 1, 2 ** 32 - 1]) {
    target.fail(noArgument, "halflap_card_open", realm, cardOptions(), length, null, 0);
  }
}

/** Opens what cannot be opened; where that is found out later, the stream must fail and close. */
function refuseDevices(target: Target): void {
  const devices = [
    new Uint8Array(0),
    new Uint8Array(5000).fill(0x78),
    Uint8Array.of(0xff, 0xfe, 0x80),
    Uint8Array.of(0x76, 0, 0x76),
    encode("virtual:"),
    encode(`virtual:${target.stream}`),
    encode(`virtual:${target.realm}`),
    encode("%n%n%n%s"),
  ];
  for (const device of devices) {
    const options = streamOptions();
    const args = [target.realm, options, options.length, device, device.length, null, 0];
    const stream = target.call("halflap_stream_open", ...args);
    if (stream < 0) continue;
    target.succeed("halflap_realm_wait", target.realm, 1000);
    target.takeEvents();
    assert.notEqual(target.state(stream), State.prepared, new TextDecoder().decode(device));
    target.close(stream);
  }
  const device = encode("virtual");
  const clip = streamOptions({ source: SourceKind.clip });
  for (const bytes of [1, 2, 3, bytesPerFrame + 1]) {
    const args = [clip, clip.length, device, device.length, new Uint8Array(16), bytes];
    target.fail(noArgument, "halflap_stream_open", target.realm, ...args);
  }
}

function refuseNumbers(target: Target): void {
  const { card, stream } = target;
  for (const value of [...wrongNumbers, -1, 17]) {
    target.fail(noArgument, "halflap_stream_set_gain", stream, value, 0);
    if (value === 17) continue;
    target.fail(noArgument, "halflap_stream_set_gain", stream, 1, value);
    target.fail(noArgument, "halflap_stream_command", stream, Command.drop, value, -1);
    target.fail(noArgument, "halflap_card_advance", card, value);
    target.fail(noArgument, "halflap_card_advance_frames", card, value, rate);
    target.fail(noArgument, "halflap_card_advance_frames", card, 1, value);
  }
  refuseFaults(target);
  target.fail(noArgument, "halflap_card_advance_frames", card, 0.5, rate);
  target.fail(noArgument, "halflap_card_advance_frames", card, 1, 0);
  target.fail(noArgument, "halflap_stream_command", stream, Command.drain, 0, NaN);
  for (const command of [5, 99, 2 ** 32 - 1]) {
    target.fail(noArgument, "halflap_stream_command", stream, command, 0, -1);
  }
  const distribution = new Float64Array(DISTRIBUTION_LENGTH);
  for (const quantity of [7, 2 ** 31, 2 ** 32 - 1]) {
    const args = [stream, quantity, distribution, DISTRIBUTION_LENGTH];
    target.fail(noArgument, "halflap_stream_distribution", ...args);
  }
  const xrun = new Float64Array(XRUN_LENGTH);
  for (const number of [0, 1, 16, 2 ** 32 - 1]) {
    const args = [stream, number, xrun, XRUN_LENGTH];
    target.fail([ErrorCode.invalid_state], "halflap_stream_xrun", ...args);
  }
  assert.equal(target.call("halflap_stream_await_room", stream, 2 ** 32 - 1), 1);
  assert.equal(target.state(stream), State.prepared);
}

function refuseFaults(target: Target): void {
  const { card } = target;
  for (const fault of Object.values(Fault)) {
    for (const amount of [...wrongNumbers, -1]) {
      if (fault === Fault.stall && amount === Infinity) continue;
      target.fail(noArgument, "halflap_card_fault", card, 0, fault, amount);
    }
    for (const substream of [1, 99, 2 ** 32 - 1]) {
      for (const amount of [0, 1]) {
        target.fail(noArgument, "halflap_card_fault", card, substream, fault, amount);
      }
    }
  }
  const { xrun, disconnect, pointer_jump, stall, slow_fill } = Fault;
  const wrong = [[xrun, 1], [disconnect, 1], [pointer_jump, 0], [pointer_jump, 0.5], [stall, 0]];
  for (const [fault = 0, amount = 0] of [...wrong, [slow_fill, 10_001], [pointer_jump, 2 ** 31]]) {
    target.fail(noArgument, "halflap_card_fault", card, 0, fault, amount);
  }
  for (const fault of [Object.values(Fault).length, 99, 2 ** 32 - 1]) {
    target.fail(noArgument, "halflap_card_fault", card, 0, fault, 0);
  }
}

/** Inputs of a mix: a queue, a tone and a clip of 16 bytes, changed as asked. */
function mixInputs(
  changes: Partial<Record<keyof typeof MixInput, number>> = {},
  changed = 0,
): Float64Array {
  const list = new Float64Array(3 * MIX_INPUT_LENGTH);
  const usual = [
    { source: SourceKind.queue, gain: 1, queue_frames: 500 },
    { source: SourceKind.tone, gain: 1, tone_frequency_hz: 440 },
    { source: SourceKind.clip, gain: 1, clip_to_bytes: 16 },
  ];
  for (const [index, input] of usual.entries()) {
    const values = Object.entries({ ...input, ...(index === changed ? changes : {}) });
    for (const [name, value] of values) {
      list[index * MIX_INPUT_LENGTH + MixInput[name as keyof typeof MixInput]] = value;
    }
  }
  return list;
}

interface Lengths {
  readonly inputsLength?: number;
  readonly sampleBytes?: number;
}

/** Opens a mix, with lengths that may lie. */
function openMix(target: Target, inputs = mixInputs(), lengths: Lengths = {}) {
  const device = encode(`virtual:${target.card}`);
  const options = streamOptions({ source: SourceKind.mix });
  const samples = new Int32Array(4).fill(1000);
  const { inputsLength = inputs.length, sampleBytes = samples.byteLength } = lengths;
  const args = [target.realm, options, options.length, device, device.length];
  const lists = [inputs, inputsLength, samples, sampleBytes];
  return target.call("halflap_mix_open", ...args, ...lists);
}

function refuseMixes(target: Target): void {
  const refused = (inputs?: Float64Array, lengths?: Lengths) => {
    const result = openMix(target, inputs, lengths);
    assert.equal(describe(result), "invalid_argument", String(inputs));
  };
  for (const [name, inputs] of [["gain", 3], ["queue_frames", 1], ["source", 3]] as const) {
    for (const value of [...wrongNumbers, -1]) {
      for (let index = 0; index < inputs; index++) refused(mixInputs({ [name]: value }, index));
    }
  }
  for (const value of [...wrongNumbers, -1]) {
    refused(mixInputs({ tone_frequency_hz: value }, 1));
    refused(mixInputs({ tone_amplitude: value }, 1));
    for (const name of ["loop", "autoplay", "from_bytes", "to_bytes"]) {
      refused(mixInputs({ [`clip_${name}`]: value }, 2));
    }
  }
  for (const source of [SourceKind.silence, SourceKind.mix, SourceKind.render, 99]) {
    refused(mixInputs({ source }));
  }
  const places = [[0, 0], [4, 4], [8, 4], [0, 20], [20, 24], [0, 15], [1, 16], [0, 2 ** 32 + 16]];
  for (const [from = 0, to = 0] of places) {
    refused(mixInputs({ clip_from_bytes: from, clip_to_bytes: to }, 2));
  }
  for (const length of [0, 1, MIX_INPUT_LENGTH - 1, MIX_INPUT_LENGTH + 1, 2 ** 29, 2 ** 32 - 1]) {
    refused(mixInputs(), { inputsLength: length });
  }
  for (const bytes of [0, 4, 15]) refused(mixInputs(), { sampleBytes: bytes });
  refused(new Float64Array(257 * MIX_INPUT_LENGTH));
  const device = encode("virtual");
  const args = [device, device.length, mixInputs(), 3 * MIX_INPUT_LENGTH, null, 0];
  const wrongSource = [target.realm, streamOptions(), STREAM_OPTIONS_LENGTH, ...args];
  target.fail(noArgument, "halflap_mix_open", ...wrongSource);
  const options = streamOptions({ source: SourceKind.mix });
  const plain = [target.realm, options, options.length, device, device.length, null, 0];
  target.fail(noArgument, "halflap_stream_open", ...plain);
}

function callMixes(target: Target): void {
  const stream = openMix(target);
  target.waitFor(stream, State.running);
  const record = new Float64Array(MIX_INPUT_STATS_LENGTH);
  const samples = new Int32Array(100);
  const calls: readonly (readonly [SymbolName, ...Argument[]])[] = [
    ["halflap_mix_write", samples, 400, 0, 100],
    ["halflap_mix_await_room", 100],
    ["halflap_mix_set_gain", 1, 0],
    ["halflap_mix_set_playing", 1, 0],
    ["halflap_mix_drop"],
    ["halflap_mix_drain"],
    ["halflap_mix_stats", record, MIX_INPUT_STATS_LENGTH],
  ];
  for (const [name, ...args] of calls) {
    for (const input of [3, 255, 256, 2 ** 31, 2 ** 32 - 1]) {
      target.fail(noArgument, name, stream, input, ...args);
    }
    target.fail([invalid_state], name, target.stream, 0, ...args);
  }
  for (const input of [1, 2]) {
    for (const [name, ...args] of calls.filter(([name]) => /write|room|drop/.test(name))) {
      target.fail([invalid_state], name, stream, input, ...args);
    }
  }
  for (const input of [0, 1]) {
    target.fail([invalid_state], "halflap_mix_set_playing", stream, input, 1, 0);
  }
  target.fail([invalid_state], "halflap_mix_drain", stream, 1);
  keepWithinInputs(target, stream);
  target.close(stream);
}

function keepWithinInputs(target: Target, stream: number): void {
  const samples = new Int32Array(100);
  const most = 2 ** 32 - 1;
  for (const [offset = 0, frames = 0] of [[0, 101], [100, 1], [most, 1], [1, most], [most, most]]) {
    target.fail(noArgument, "halflap_mix_write", stream, 0, samples, 400, offset, frames);
  }
  target.fail(noArgument, "halflap_mix_write", stream, 0, null, 400, 0, 100);
  assert.equal(target.call("halflap_mix_write", stream, 0, samples, 400, 100, 0), 0);
  for (const value of [...wrongNumbers, -1, 17]) {
    target.fail(noArgument, "halflap_mix_set_gain", stream, 0, value, 0);
    if (value === 17) continue;
    target.fail(noArgument, "halflap_mix_set_gain", stream, 0, 1, value);
    target.fail(noArgument, "halflap_mix_set_playing", stream, 2, 1, value);
  }
  target.fail(noArgument, "halflap_mix_set_playing", stream, 2, 2, 0);
  target.fail(noArgument, "halflap_mix_events", stream, null, 1);
  for (const length of [0, 1, MIX_INPUT_STATS_LENGTH - 1, MIX_INPUT_STATS_LENGTH + 1, most]) {
    const { memory, assertIntact } = guarded(MIX_INPUT_STATS_LENGTH);
    target.fail(noArgument, "halflap_mix_stats", stream, 0, memory, length);
    assertIntact(0);
  }
  for (const input of [0, 2]) target.succeed("halflap_mix_drain", stream, input);
  target.succeed("halflap_mix_set_playing", stream, 2, 0, 0);
  while (target.succeed("halflap_card_advance_frames", target.card, 2000, rate) === 1) {
    target.takeEvents();
  }
  for (const pairs of [0, 1, 0]) {
    const { memory, assertIntact } = guarded(2);
    assert.equal(target.call("halflap_mix_events", stream, memory, pairs), pairs);
    assertIntact(pairs);
  }
  assert.equal(target.call("halflap_mix_events", stream, new Uint32Array(20), 10), 1);
}

/** Asks and waits for the answer. */
function ask(target: Target, name: SymbolName, ...args: Argument[]): number {
  const query = target.succeed(name, target.realm, ...args);
  const status = new Float64Array(QUERY_STATUS_LENGTH);
  const read = () => target.call("halflap_query_status", query, status, QUERY_STATUS_LENGTH);
  for (let wait = 0; wait < 1000 && read() === invalid_state; wait++) {
    target.succeed("halflap_realm_wait", target.realm, 10);
  }
  assert.equal(read(), 0);
  return query;
}

function misuseQueries(target: Target): void {
  const { realm } = target;
  const device = encode("null");
  const most = 2 ** 32 - 1;
  const name = [device, device.length] as const;
  target.fail(noArgument, "halflap_query_devices", realm, 2, 0);
  target.fail(noArgument, "halflap_query_devices", realm, 0, most);
  target.fail(noArgument, "halflap_query_capabilities", realm, 2, ...name);
  target.fail(noArgument, "halflap_query_capabilities", realm, Direction.playback, null, 4);
  target.fail(noArgument, "halflap_query_capabilities", realm, 0, device, 0);
  target.fail(noArgument, "halflap_query_capabilities", realm, 0, Uint8Array.of(1, 0, 1), 3);
  target.fail(noArgument, "halflap_query_capabilities", realm, 0, new Uint8Array(256).fill(1), 256);
  const query = ask(target, "halflap_query_capabilities", Direction.playback, ...name);
  target.fail([invalid_state], "halflap_realm_close", realm);
  for (
    const [reader, whole] of [
      ["halflap_query_answer", DEVICE_LENGTH],
      ["halflap_query_answer_capabilities", CAPABILITIES_LENGTH],
    ] as const
  ) {
    for (const index of [1, 99, most]) {
      target.fail([invalid_state], reader, query, index, new Float64Array(whole), whole);
    }
    for (const length of [0, whole - 1, whole + 1, most]) {
      const { memory, assertIntact } = guarded(whole);
      target.fail(noArgument, reader, query, 0, memory, length);
      assertIntact(0);
    }
    target.fail(noArgument, reader, query, 0, null, whole);
    target.succeed(reader, query, 0, new Float64Array(whole), whole);
  }
  for (const length of [0, 1, 5, 7]) {
    const { memory, assertIntact } = guarded(1);
    for (const which of Object.values(QueryText)) {
      const written = target.call("halflap_query_text", query, 0, which, memory, length);
      assert.ok(written >= 0 && written <= length, `text ${which}: ${written}`);
      assertIntact(1);
    }
  }
  target.fail(noArgument, "halflap_query_text", query, 0, 99, new Uint8Array(8), 8);
  target.fail(noArgument, "halflap_query_text", query, 0, 0, null, 8);
  target.succeed("halflap_query_close", query);
  target.fail(noHandle, "halflap_query_close", query);
}

/** Closes what has not been answered yet, and what has been but was not read. */
function abandonQueries(target: Target): void {
  const { realm } = target;
  const device = encode("null");
  for (let round = 0; round < 100; round++) {
    const queries = [
      target.succeed("halflap_query_devices", realm, round % 2, 1),
      target.succeed("halflap_query_capabilities", realm, 0, device, device.length),
    ];
    const watch = target.succeed("halflap_watch_open", realm);
    if (round % 3 === 0) target.succeed("halflap_realm_wait", realm, 1);
    for (const query of queries) target.succeed("halflap_query_close", query);
    target.succeed("halflap_watch_close", watch);
    target.fail(noHandle, "halflap_watch_close", watch);
    target.takeEvents();
  }
}

/** Opens until there are no more handles, and closes all of them. */
function exhaustHandles(target: Target): void {
  const handles: number[] = [];
  for (;;) {
    const handle = target.call("halflap_realm_open");
    if (handle < 0) {
      assert.equal(describe(handle), "too_many_handles");
      break;
    }
    handles.push(handle);
    assert.ok(handles.length < 1_000_000, "there is no limit");
  }
  target.fail(
    [ErrorCode.too_many_handles],
    "halflap_card_open",
    target.realm,
    cardOptions(),
    CARD_OPTIONS_LENGTH,
    null,
    0,
  );
  assert.equal(new Set(handles).size, handles.length);
  for (const handle of handles) target.succeed("halflap_realm_close", handle);
}

/** xorshift32: the same sequence in every run. */
function makeRandom(): (below: number) => number {
  let state = 0x1234_5678;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Any function with any arguments; only lengths keep within their buffers. */
function callAtRandom(target: Target): void {
  const random = makeRandom();
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const memories = [new Float64Array(512), new Float64Array(512).fill(NaN), null];
  const devices = [`virtual:${target.card}`, "virtual", "null", "nonsense"].map(encode);
  const lengths = [0, 1, 2, 3, 7, 8, 13, 100, 511];
  const handles: number[] = [target.realm, target.card, target.stream];
  const argument = (type: string): Argument => {
    if (type === "buffer") return pick([...memories, streamOptions(), cardOptions(), ...devices]);
    if (type === "f64") return pick([...wrongNumbers, 0, -1, 0.5, 1, 10, rate]);
    return pick([...lengths, ...handles.slice(-8), ...forgedHandles]);
  };
  // A length that lies about its buffer would be the caller's fault: all have 4096 bytes or more.
  const withLength = (name: SymbolName): Argument[] => {
    const types = parametersOf(name);
    return types.map((type, at) => {
      if (at === 0 && type === "u32") return pick(handles);
      const behindBuffer = types[at - 1] === "buffer";
      if (behindBuffer) return pick(lengths);
      const value = argument(type);
      return type === "buffer" && value !== null ? padded(value) : value;
    });
  };
  for (let count = 0; count < 30_000; count++) {
    const name = pick(names);
    const args = name === "halflap_realm_wait" ? [pick(handles), random(2)] : withLength(name);
    const result = target.call(name, ...args);
    const isHandle = name.endsWith("_open") || opening.includes(name);
    if (isHandle && result > 0 && handles.length < 500) handles.push(result);
  }
}

function padded(value: Argument): Uint8Array {
  const memory = new Uint8Array(4096);
  if (!ArrayBuffer.isView(value)) return memory;
  memory.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  return memory;
}

interface Attack {
  readonly claim: string;
  readonly run: (target: Target) => void;
  /** Leaves things behind, so that only a new stream can show that nothing is broken. */
  readonly leaves?: true;
}

/** The attacks by name, each with what it proves. */
export const attacks: Readonly<Record<string, Attack>> = {
  forged: { claim: "forged handles are refused by every function", run: refuseHandles },
  kinds: { claim: "handles of another kind are refused by every function", run: refuseOtherKinds },
  stale: {
    claim: "handles of what was closed are refused by every function",
    run: refuseStaleHandles,
  },
  states: {
    claim: "what is in the wrong state refuses to be closed or used",
    run: refuseWrongStates,
  },
  owners: {
    claim: "a stream is given away and attached once, in this order, and by its token alone",
    run: refuseWrongOwners,
  },
  early: { claim: "a stream that is still being opened stands every call", run: callTooEarly },
  events: { claim: "events of streams that are released are forgotten", run: forgetEvents },
  null: { claim: "null is refused wherever there must be memory", run: refuseNull },
  records: { claim: "records are written neither short nor beyond", run: keepWithinRecords },
  texts: { claim: "texts are cut to the memory there is", run: keepWithinTexts },
  samples: {
    claim: "samples are neither read nor written beyond their memory",
    run: keepWithinSamples,
  },
  options: { claim: "options with a wrong number anywhere open nothing", run: refuseOptions },
  devices: { claim: "devices that make no sense open nothing", run: refuseDevices },
  queries: { claim: "queries refuse what they cannot answer", run: misuseQueries },
  abandoned: { claim: "queries and watches can be closed at any time", run: abandonQueries },
  numbers: { claim: "numbers outside of their range are refused", run: refuseNumbers },
  mixes: { claim: "mixes with anything wrong in them open nothing", run: refuseMixes },
  inputs: { claim: "inputs of mixes stand every call", run: callMixes },
  exhaust: { claim: "a lack of handles is an error, and no damage", run: exhaustHandles },
  random: { claim: "calls at random do no damage", run: callAtRandom, leaves: true },
};

async function main(name: string, file: string): Promise<void> {
  const attack = attacks[name];
  assert.ok(attack, `There is no attack "${name}"`);
  const target = new Target(await openRawLibrary(file));
  attack.run(target);
  if (attack.leaves) {
    new Target(target.library).assertUnharmed();
  } else {
    target.assertUnharmed();
    target.end();
  }
  console.log("unharmed");
}

if (import.meta.main) {
  await main(process.argv[2] ?? "", process.argv[3] ?? "");
  process.exit(0);
}
