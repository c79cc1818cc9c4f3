/** A server that is killed in every state of a stream, and started again. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import process from "node:process";
import {
  type CloseMessage,
  HalflapError,
  openPlayback,
  type Playback,
  type PlaybackQueue,
  tone,
} from "../../mod.ts";
import { eventually, handled, root, sleep, test, withCode, within } from "../harness.ts";
import { run, runtimeArguments } from "../programs.ts";
import { accessesOf, serverNames, SoundServer } from "./sound_server.ts";

const limitMs = 60_000;
const rate = 48_000;
const options = { rate, channels: 2, format: "s16", queueFrames: rate } as const;
const lost = withCode("ERR_HALFLAP_DEVICE_LOST");
/** The watchdog's 3 periods and 200 ms, or five tries to recover; and what a busy machine adds. */
const lostLimitMs = 5000;
const closeLimitMs = 5000;
/** What hangs in a call of libasound is left behind after 10 s. */
const leaveLimitMs = 15_000;

const silence = (frames: number): Int16Array => new Int16Array(2 * frames);

const play = (out: Playback): Promise<void> =>
  eventually("The sound", () => out.stats().framesPlayed > 4800);

/** Processor time that this process takes while nothing is to be done, in cores. */
async function coresTaken(ms: number): Promise<number> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - startMs);
}

async function assertPlays(server: SoundServer): Promise<void> {
  const sizes = { periodFrames: 2400, periods: 4 } as const;
  await using out = await openPlayback({ ...options, ...sizes, device: server.device });
  await out.write(silence(9600));
  await out.drain({ timeoutMs: 10_000 });
  const { framesPlayed, framesDropped, xruns } = out.stats();
  // A busy machine can make it late, but nothing goes astray.
  assert.equal(framesPlayed + framesDropped, 9600);
  if (xruns.count === 0) assert.equal(framesDropped, 0);
}

for (const name of serverNames) {
  for (const access of accessesOf[name]) {
    const where = `${name} by ${access}`;
    const open = (device: string): Promise<PlaybackQueue<"s16">> =>
      openPlayback({ ...options, device, access });

    test(`${where}: killed while it plays, a stream is lost soon, and spins nowhere`, async () => {
      await using server = await SoundServer.start(name);
      const closes: CloseMessage[] = [];
      const onClose = (message: unknown): void => void closes.push(message as CloseMessage);
      subscribe("halflap:close", onClose);
      try {
        const source = tone({ frequencyHz: 440 });
        const out = await openPlayback({ rate, device: server.device, access, source });
        await play(out);
        const wakeUps = out.stats().wakeUps;
        const killed = server.kill();
        const killedMs = performance.now();
        await within(assert.rejects(out.closed, lost), "The loss", lostLimitMs);
        const lostMs = performance.now() - killedMs;
        await killed;
        assert.equal(out.state, "closed");
        const [message] = closes;
        assert.ok(message?.error !== undefined);
        const since = message.stats.wakeUps - wakeUps;
        // Two looks a period, and more only to be sure.
        assert.ok(since < 200 + lostMs, `${since} wake-ups in ${lostMs} ms`);
        await within(out.close(), "close()", closeLimitMs);
        const cores = await coresTaken(1000);
        assert.ok(cores < 0.5, `${cores} cores are busy with nothing`);
        const told = message.error.message;
        console.log(
          `| ${where} | lost after ${lostMs.toFixed(0)} ms | ${since} wake-ups | ${told} |`,
        );
      } finally {
        unsubscribe("halflap:close", onClose);
      }
    }, limitMs);

    test(`${where}: killed, it rejects the calls that are pending`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await open(server.device);
      const written = handled(out.write(silence(20 * rate)));
      await play(out);
      await server.kill();
      for (const pending of [written, out.closed]) {
        await within(assert.rejects(pending, lost), "The rejection", lostLimitMs);
      }
    }, limitMs);

    test(`${where}: killed while a stream drains, it is lost`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await open(server.device);
      await out.write(silence(rate));
      const drained = handled(out.drain());
      await play(out);
      assert.equal(out.state, "draining");
      await server.kill();
      for (const pending of [drained, out.closed]) {
        await within(assert.rejects(pending, lost), "The rejection", lostLimitMs);
      }
    }, limitMs);

    test(`${where}: killed while a stream is paused, it closes`, async () => {
      await using server = await SoundServer.start(name);
      const out = await open(server.device);
      await out.write(silence(rate));
      await play(out);
      await out.pause();
      await server.kill();
      const { wakeUps } = out.stats();
      await sleep(500);
      if (out.state === "paused") assert.equal(out.stats().wakeUps, wakeUps);
      await within(out.close(), "close()", closeLimitMs);
    }, limitMs);

    test(`${where}: killed while a stream is paused, it is lost at its resume()`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await open(server.device);
      await out.write(silence(rate));
      await play(out);
      await out.pause();
      await server.kill();
      handled(out.resume());
      await within(assert.rejects(out.closed, lost), "The loss", lostLimitMs);
    }, limitMs);

    test(`${where}: killed before a stream starts, it is lost at its first sound`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await open(server.device);
      await server.kill();
      await sleep(100);
      assert.equal(out.state, "prepared");
      handled(out.write(silence(rate)));
      await within(assert.rejects(out.closed, lost), "The loss", lostLimitMs);
    }, limitMs);

    test(`${where}: killed before a stream starts, it closes`, async () => {
      await using server = await SoundServer.start(name);
      const out = await open(server.device);
      await server.kill();
      await within(out.close(), "close()", closeLimitMs);
    }, limitMs);

    test(`${where}: killed while a stream opens, it opens or says why not`, async () => {
      for (const ms of [0, 1, 2, 4, 8, 16, 32]) {
        await using server = await SoundServer.start(name, { sharedRing: false });
        const opening = open(server.device);
        const settled = opening.then(() => "open", (error: unknown) => error);
        await sleep(ms);
        await server.kill();
        const outcome = await within(settled, `openPlayback(), killed after ${ms} ms`, lostLimitMs);
        if (outcome === "open") {
          await within((await opening).close(), "close()", closeLimitMs);
        } else {
          assert.ok(outcome instanceof HalflapError, `${outcome}`);
        }
      }
    }, limitMs);

    test(`${where}: killed and started again, it plays the next stream`, async () => {
      {
        await using server = await SoundServer.start(name);
        await using out = await open(server.device);
        handled(out.write(silence(20 * rate)));
        await play(out);
        await server.kill();
        await within(assert.rejects(out.closed, lost), "The loss", lostLimitMs);
      }
      await using server = await SoundServer.start(name);
      await assertPlays(server);
    }, limitMs);

    test(
      `${where}: stopped before a stream starts, it does not hold close() for ever`,
      async () => {
        await using server = await SoundServer.start(name);
        const out = await open(server.device);
        process.kill(server.pid, "SIGSTOP");
        handled(out.write(silence(rate)));
        await sleep(200);
        await within(out.close(), "close()", leaveLimitMs);
        assert.equal(out.state, "closed");
        process.kill(server.pid, "SIGCONT");
        await assertPlays(server);
      },
      limitMs,
    );

    test(`${where}: stopped, it does not hold an open() that is aborted for ever`, async () => {
      await using server = await SoundServer.start(name);
      process.kill(server.pid, "SIGSTOP");
      const signal = AbortSignal.timeout(200);
      const opening = openPlayback({ ...options, device: server.device, access, signal });
      // PipeWire's plug-in opens without its server; the signal closes the stream then.
      const ended = opening.then((out) => out.closed, lost);
      await within(ended, "openPlayback()", leaveLimitMs);
      process.kill(server.pid, "SIGCONT");
      await assertPlays(server);
    }, limitMs);

    test(`${where}: stopped and not gone, it does not keep close() waiting`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await open(server.device);
      handled(out.write(silence(20 * rate)));
      await play(out);
      process.kill(server.pid, "SIGSTOP");
      await within(assert.rejects(out.closed, lost), "The loss", lostLimitMs + closeLimitMs);
      await within(out.close(), "close()", closeLimitMs);
      process.kill(server.pid, "SIGCONT");
    }, limitMs);

    test(`${where}: killed, it lets a process end by itself`, async () => {
      await using server = await SoundServer.start(name);
      const code = `
        const { openPlayback, tone } = await import(${JSON.stringify(`${root}/mod.ts`)});
        const source = tone({ frequencyHz: 440 });
        const out = await openPlayback({ device: "${server.device}", access: "${access}", source });
        while (out.stats().framesPlayed === 0) await new Promise((next) => setTimeout(next, 10));
        process.kill(${server.pid}, "SIGKILL");
        await out.closed.catch((error) => console.log(error.code));
      `;
      const [program, ...args] = runtimeArguments(`import process from "node:process";${code}`);
      const { code: exitCode, stdout, stderr } = await run(program!, args);
      assert.equal(exitCode, 0, stderr);
      assert.equal(stdout.trim(), "ERR_HALFLAP_DEVICE_LOST");
    }, limitMs);
  }
}
