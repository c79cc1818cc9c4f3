/** Prints how long the engine lets a realm be silent between two calls. */
import { engine } from "../lib/ffi/engine.ts";

console.log(engine().native.halflap_realm_silence_ms());
