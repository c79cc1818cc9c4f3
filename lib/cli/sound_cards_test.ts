import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSoundCards } from "./sound_cards.ts";

const cards = ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7e10000 irq 33
 2 [U0x46d0x825    ]: USB-Audio - USB Device 0x46d:0x825
                      USB Device 0x46d:0x825 at usb-0000:00:14.0-3, high speed
 3 [Two            ]: USB-Audio - Scarlett 2i2 - 4th Gen
                      Focusrite Scarlett 2i2 4th Gen at usb-0000:00:14.0-4, high speed
`;
const pcms = `00-00: ALC283 Analog : ALC283 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
02-00: USB Audio : USB Audio : capture 1
03-00: USB Audio : USB Audio : playback 1 : capture 1
07-00: Orphan : Orphan : playback 1
`;

test("PCMs that can play are listed by the card's id, and no others", () => {
  assert.deepEqual(parseSoundCards(cards, pcms).map(({ name }) => name), [
    "hw:CARD=PCH,DEV=0",
    "plughw:CARD=PCH,DEV=0",
    "hw:CARD=PCH,DEV=3",
    "plughw:CARD=PCH,DEV=3",
    "hw:CARD=Two,DEV=0",
    "plughw:CARD=Two,DEV=0",
  ]);
});

test("descriptions name the card and the PCM", () => {
  const [hardware, converted] = parseSoundCards(cards, pcms);
  assert.equal(hardware?.description, "HDA Intel PCH, ALC283 Analog: the hardware itself");
  assert.equal(converted?.description, "HDA Intel PCH, ALC283 Analog, with conversions");
});

test("kernel without sound cards lists none", () => {
  assert.deepEqual(parseSoundCards("--- no soundcards ---\n", ""), []);
  assert.deepEqual(parseSoundCards("", ""), []);
});
