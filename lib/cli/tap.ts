/**
 * The virtual card of `--tap`, which records what it played.
 *
 * @module
 */

import { openVirtualCard } from "../testing/virtual_card.ts";
import { CommandError } from "./command_error.ts";

/** Opens a card that records to a WAV file, for as long as the function it is given to runs. */
export async function withTap(
  path: string,
  use: (device: string) => Promise<void>,
): Promise<void> {
  const card = await openVirtualCard({ clock: "realtime", tap: { path } });
  try {
    await use(card.device);
    card.flush();
    const { substreams, tapLostFrames } = card.status();
    if (substreams === 0 || tapLostFrames === 0) return;
    throw new CommandError(`"${path}" lacks ${tapLostFrames} frames: it was written too slowly`);
  } finally {
    await card.close();
  }
}
