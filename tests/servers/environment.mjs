/**
 * The world that a test of sound servers lives in: its own home, configuration and runtime folder,
 * and the unpacked programs. A server that the user runs is neither found nor disturbed.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const nullSink = `context.objects = [
  {
    factory = adapter
    args = {
      factory.name = support.null-audio-sink
      node.name = null-sink
      media.class = Audio/Sink
      audio.position = [ FL FR ]
      audio.rate = 48000
      object.linger = true
    }
  }
]
`;

/** WirePlumber looks after no hardware, and asks no message bus. */
const noHardware = `alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
default_access.properties["enable-flatpak-portal"] = false
`;
const noBluetooth = "bluez_monitor.enabled = false\n";

/** libasound takes the packages' own configuration, and nothing of the machine's. */
const asoundConf = (packages) => {
  const names = ["50-pipewire.conf", "50-pulseaudio.conf"];
  const files = names.map((name) => `"${packages}/usr/share/alsa/alsa.conf.d/${name}"`);
  return `</usr/share/alsa/alsa.conf>\n@hooks.0.!files [ ${files.join(" ")} ]\n`;
};

/** A client that finds no server does not start one. */
const pulseClientConf = "autospawn = no\n";

/** PipeWire's library promotes its thread in every client. */
function withoutRealtime(file) {
  const text = readFileSync(file, "utf8");
  const module = "libpipewire-module-rt";
  if (!text.includes(module)) throw new Error(`"${file}" does not load ${module}`);
  writeFileSync(file, text.replace(module, "libpipewire-module-not-loaded"));
}

function writeConfiguration(packages, folder, ordinaryClients) {
  const share = path.join(packages, "usr/share");
  for (const name of ["run", "home"]) mkdirSync(path.join(folder, name), { mode: 0o700 });
  const pipewire = path.join(folder, "pipewire");
  cpSync(path.join(share, "pipewire"), pipewire, { recursive: true });
  mkdirSync(path.join(pipewire, "pipewire.conf.d"), { recursive: true });
  writeFileSync(path.join(pipewire, "pipewire.conf.d/null_sink.conf"), nullSink);
  if (ordinaryClients) withoutRealtime(path.join(pipewire, "client-rt.conf"));
  const wireplumber = path.join(folder, "wireplumber");
  cpSync(path.join(share, "wireplumber"), wireplumber, { recursive: true });
  writeFileSync(path.join(wireplumber, "main.lua.d/51-tests.lua"), noHardware);
  writeFileSync(path.join(wireplumber, "bluetooth.lua.d/51-tests.lua"), noBluetooth);
  writeFileSync(path.join(folder, "asound.conf"), asoundConf(packages));
  writeFileSync(path.join(folder, "pulse_client.conf"), pulseClientConf);
}

/**
 * Changes to the environment of a test; undefined takes a variable away. In `ordinaryClients` only
 * the engine makes threads realtime.
 */
export function makeEnvironment(packages, folder, ordinaryClients = false) {
  writeConfiguration(packages, folder, ordinaryClients);
  const libraries = path.join(packages, "usr/lib/x86_64-linux-gnu");
  const [pulse] = readdirSync(path.join(packages, "usr/lib"))
    .filter((name) => name.startsWith("pulse-"));
  const pulseModules = path.join(packages, "usr/lib", pulse, "modules");
  const home = path.join(folder, "home");
  const noBus = `unix:path=${folder}/no_bus`;
  return {
    HALFLAP_SERVERS: folder,
    HALFLAP_PULSE_MODULES: pulseModules,
    HOME: home,
    XDG_RUNTIME_DIR: path.join(folder, "run"),
    XDG_CONFIG_HOME: path.join(home, ".config"),
    XDG_STATE_HOME: path.join(home, ".state"),
    XDG_CACHE_HOME: path.join(home, ".cache"),
    PATH: `${packages}/usr/bin:${process.env.PATH}`,
    LD_LIBRARY_PATH: [libraries, path.join(libraries, "pulseaudio"), pulseModules].join(":"),
    ALSA_CONFIG_PATH: path.join(folder, "asound.conf"),
    ALSA_PLUGIN_DIR: path.join(libraries, "alsa-lib"),
    PIPEWIRE_CONFIG_DIR: path.join(folder, "pipewire"),
    PIPEWIRE_MODULE_DIR: path.join(libraries, "pipewire-0.3"),
    SPA_PLUGIN_DIR: path.join(libraries, "spa-0.2"),
    WIREPLUMBER_CONFIG_DIR: path.join(folder, "wireplumber"),
    WIREPLUMBER_DATA_DIR: path.join(folder, "wireplumber"),
    WIREPLUMBER_MODULE_DIR: path.join(libraries, "wireplumber-0.4"),
    PULSE_CLIENTCONFIG: path.join(folder, "pulse_client.conf"),
    PULSE_RUNTIME_PATH: path.join(folder, "run/pulse"),
    DBUS_SESSION_BUS_ADDRESS: noBus,
    DBUS_SYSTEM_BUS_ADDRESS: noBus,
    DISPLAY: undefined,
    PIPEWIRE_LATENCY: undefined,
    PIPEWIRE_QUANTUM: undefined,
    PIPEWIRE_REMOTE: undefined,
    PIPEWIRE_RUNTIME_DIR: undefined,
    PULSE_COOKIE: undefined,
    PULSE_SERVER: undefined,
    PULSE_SINK: undefined,
  };
}
