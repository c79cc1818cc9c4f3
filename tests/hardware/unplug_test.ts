/** A card on the PCI bus that goes away and comes back. */
import { readdirSync } from "node:fs";
import { testUnplugging } from "../kernel/unplugging.ts";
import { card, device } from "./machine.ts";

const driver = "pci/drivers/snd_hda_intel";
const bound = readdirSync(`/sys/bus/${driver}`).find((name) => /^\d{4}:/.test(name));
if (bound === undefined) throw new Error("The driver has no card");

testUnplugging({ card, device, channels: 2, driver, bound, module: "snd_hda_intel" });
