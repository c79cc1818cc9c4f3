import assert from "node:assert/strict";
import { test } from "node:test";
import { linux61, linux612, sample } from "../../tests/asound_samples.ts";
import { parseCards } from "./cards.ts";
import { parseDevices } from "./devices.ts";
import { parsePcms } from "./pcms.ts";
import { parseTimers } from "./timers.ts";

test("cards have their number, names, driver and place", () => {
  const { cards, unknown } = parseCards(sample(linux61, "cards"));
  assert.deepEqual(unknown, []);
  assert.equal(cards.length, 5);
  assert.deepEqual(cards[1], {
    number: 1,
    id: "I82801AAICH",
    driver: "ICH",
    name: "Intel 82801AA-ICH",
    longName: "Intel 82801AA-ICH with STAC9700,83,84 at irq 11",
  });
});

test("no cards are nothing unknown", () => {
  assert.deepEqual(parseCards("--- no soundcards ---\n"), { cards: [], unknown: [] });
});

test("a card without its second line keeps the others whole", () => {
  const text = " 0 [A              ]: D - First\n 1 [B              ]: D - Second - 2nd\n" +
    `${" ".repeat(22)}Second at irq 5\n${" ".repeat(22)}one line more\n`;
  const { cards, unknown } = parseCards(text);
  assert.deepEqual(cards.map(({ name, longName }) => [name, longName]), [
    ["First", ""],
    ["Second - 2nd", "Second at irq 5"],
  ]);
  assert.deepEqual(unknown, [`${" ".repeat(22)}one line more`]);
});

test("PCM devices have their substreams by direction", () => {
  const { pcms, unknown } = parsePcms(sample(linux61, "pcm"));
  assert.deepEqual(unknown, []);
  assert.deepEqual(pcms.map((pcm) => [pcm.playbackSubstreams, pcm.captureSubstreams]), [
    ...[[1, 1], [1, 1], [0, 1], [1, 0]],
    ...[[8, 8], [8, 8], [8, 8]],
  ]);
  assert.deepEqual(pcms[2], {
    card: 1,
    device: 1,
    id: "Intel ICH - MIC ADC",
    name: "Intel 82801AA-ICH - MIC ADC",
    playbackSubstreams: 0,
    captureSubstreams: 1,
  });
});

test("device files belong to a device, to a card, or to none", () => {
  const { devices, unknown } = parseDevices(sample(linux612, "devices"));
  assert.deepEqual(unknown, []);
  assert.deepEqual([devices[3], devices[2], devices.at(-1)], [
    { minor: 5, card: 1, device: 0, kind: "digital audio playback" },
    { minor: 4, card: 0, device: undefined, kind: "control" },
    { minor: 33, card: undefined, device: undefined, kind: "timer" },
  ]);
});

test("timers have their resolution and clients", () => {
  const { timers, unknown } = parseTimers(sample(linux612, "timers"));
  assert.deepEqual(unknown, []);
  assert.deepEqual(timers[0], {
    address: "G0",
    name: "system timer",
    resolutionUs: 1000,
    maxTicks: 10_000_000,
    isSlave: false,
    clients: [{ name: "application 43", isRunning: false }],
  });
  assert.equal(timers[1]?.resolutionUs, 0.001);
});

test("timers of PCMs are slaves", () => {
  const { timers, unknown } = parseTimers(sample(linux61, "timers"));
  assert.deepEqual(unknown, []);
  assert.deepEqual(timers.at(-1), {
    address: "P4-1-1",
    name: "PCM capture 4-1-1",
    resolutionUs: undefined,
    maxTicks: undefined,
    isSlave: true,
    clients: [],
  });
});

test("a client of no timer is unknown", () => {
  const line = "  Client application 1 : running";
  assert.deepEqual(parseTimers(`${line}\n`), { timers: [], unknown: [line] });
});
