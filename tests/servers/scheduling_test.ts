/** What `realtime` does to the threads of a process in which servers' plug-ins run theirs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { openPlayback, type RealtimeOption, tone } from "../../mod.ts";
import { eventually, test } from "../harness.ts";
import { accessesOf, serverNames, SoundServer } from "./sound_server.ts";

const limitMs = 60_000;
const policies = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "4", "SCHED_IDLE"];

/** By their ids; a thread can end meanwhile. */
function threads(): Map<number, { name: string; policy: string }> {
  const found = new Map<number, { name: string; policy: string }>();
  for (const id of readdirSync("/proc/self/task")) {
    try {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, "utf8");
      const [, name = ""] = /\((.*)\)/s.exec(stat) ?? [];
      // Field 41 of proc(5), of which the first two end with the name.
      const policy = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[41 - 3];
      found.set(Number(id), { name, policy: policies[Number(policy)] ?? `${policy}` });
    } catch (error) {
      if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return found;
}

for (const name of serverNames) {
  for (const access of accessesOf[name]) {
    const where = `${name} by ${access}`;

    /** The threads that came with a stream, while it plays. */
    const playWith = async (realtime: RealtimeOption) => {
      await using server = await SoundServer.start(name);
      const before = threads();
      const source = tone({ frequencyHz: 440 });
      await using out = await openPlayback({ device: server.device, access, source, realtime });
      await eventually("The sound", () => out.stats().framesPlayed > 4800);
      const added = [...threads()].filter(([id]) => !before.has(id)).map(([, thread]) => thread);
      return { granted: out.granted.realtime, added };
    };

    test(`${where}: "auto" promotes nobody, and says why`, async () => {
      const { granted, added } = await playWith("auto");
      assert.equal(granted.priority, 0);
      assert.match(granted.reason, /threads or locks of others/);
      // The write thread, and the plug-in's own, which bears the name of the one that started it.
      assert.ok(added.length >= 2, `${added.length} threads came with the stream`);
      assert.deepEqual(added.filter(({ policy }) => policy !== "SCHED_OTHER"), []);
    }, limitMs);

    test(
      `${where}: a priority by number promotes the write thread, and none of others`,
      async () => {
        const { granted, added } = await playWith({ priority: 2 });
        const promoted = added.filter(({ policy }) => policy !== "SCHED_OTHER");
        const expected = granted.priority === 0
          ? []
          : [{ name: "halflap-write", policy: "SCHED_FIFO" }];
        assert.deepEqual(promoted, expected);
      },
      limitMs,
    );
  }
}
