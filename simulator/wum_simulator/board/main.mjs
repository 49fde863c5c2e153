// A MicroPython board in one process: this thread runs the interpreter and never waits for Node.
//
// usage: node main.mjs BOARD.json      (supervisor.py writes it and says its form)
// Exit codes: 0 the program ended, 1 it crashed, 102 machine.reset(). Killed by SIGALRM: the
// watchdog; by SIGKILL: a power cut. Everything that waits for the world lives in wires.mjs.
//
// This build collects garbage between two calls only: so asyncio.run() unwinds the program, and
// the scheduler is called from here, one task's turn at a time.
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import crypto from "node:crypto";
import { Worker, MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";
import { Flash } from "./flash.mjs";
import { ghash } from "./ghash.mjs";
import { keepFunctions, onInstance } from "./table.mjs";
import { SIGNAL, FED, SLEEPS, COUNTERS, wallMs } from "./shared.mjs";

const C_STACK_BYTES = 16 * 1024;
const WAIT_MAX_MS = 1000;
const TAKEN_BYTES = 65536;       // What is handed to Python in one piece at most.
const CRASHED = 1;
const SLACK_BYTES = 64 * 1024;   // Less than any board's heap: it can never become a part of it.

const board = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const counters = new Int32Array(new SharedArrayBuffer(4 * COUNTERS));
const { port1: port, port2 } = new MessageChannel();
const worker = new Worker(new URL("./wires.mjs", import.meta.url), {
  workerData: { port: port2, counters, board }, transferList: [port2],
});
worker.unref();
const flash = new Flash(board.flash, board.flash_bytes, board.cut_at, counters);

let memory; // Of the interpreter: it is not exported, but whoever instantiates it sees it.
onInstance((exports) => {
  memory = exports.memory;
  keepFunctions(exports);
});
const bytesAt = (address, size) => Buffer.from(memory.buffer, address, size);

// What is known here of each wire: a socket, a listening one, a UART.
const wires = new Map();
let nextWire = 1;

function newWire(number = nextWire++) {
  wires.set(number, { heard: [], size: 0, isOpen: false, isEnded: false, error: 0, sending: 0,
    accepted: [], from: [], port: 0 });
  return number;
}

function hear() {
  let some = 0;
  for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) {
    some += 1;
    const { what, wire: number, data, value } = got.message;
    const wire = wires.get(number);
    if (!wire) continue; // It was closed meanwhile.
    if (what === "heard") {
      wire.heard.push(Buffer.from(data));
      wire.from.push(value ?? null);
      wire.size += data.length;
    } else if (what === "open") {
      wire.isOpen = true;
      wire.port = value ?? 0;
    } else if (what === "sent") wire.sending -= value;
    else if (what === "ended") wire.isEnded = true;
    else if (what === "failed") wire.error = value;
    else if (what === "accepted") wire.accepted.push([newWire(nextWire++), value]);
    else throw new Error(`wires.mjs says ${what}`);
    if (what === "accepted") {
      const [fresh, theirs] = wire.accepted.at(-1);
      wires.get(fresh).isOpen = true;
      port.postMessage({ op: "adopt", wire: fresh, theirs });
    }
  }
  return some;
}

// Sleeps until a wire has something or `ms` are over; how much it had.
function wait(ms) {
  const seen = Atomics.load(counters, SIGNAL);
  const some = hear();
  if (some || ms <= 0) return some;
  Atomics.store(counters, SLEEPS, wallMs() + Math.ceil(ms));
  Atomics.wait(counters, SIGNAL, seen, ms);
  Atomics.store(counters, SLEEPS, 0);
  return hear();
}

function take(number, address, size) {
  const wire = wires.get(number);
  let taken = 0;
  while (taken < size && wire.heard.length) {
    const piece = wire.heard[0];
    const count = Math.min(piece.length, size - taken);
    piece.copy(bytesAt(address + taken, count), 0, 0, count);
    taken += count;
    if (count < piece.length) wire.heard[0] = piece.subarray(count);
    else { wire.heard.shift(); wire.from.shift(); }
    if (wire.isDatagram) break;
  }
  wire.size -= taken;
  if (taken) port.postMessage({ op: "took", wire: number, size: taken });
  return taken;
}

function end(code) {
  process.exit(code);
}

const clock = { skew_s: board.clock_s === null ? null : board.clock_s - Date.now() / 1000 };
let pins = 0;
const api = {
  wait,
  hear,
  open(op, settings) {
    const number = newWire();
    const wanted = JSON.parse(settings);
    wires.get(number).isDatagram = op === "udp";
    port.postMessage({ op, wire: number, ...wanted });
    return number;
  },
  tell(op, number, settings) {
    port.postMessage({ op, wire: number, ...JSON.parse(settings) });
  },
  say(number, address, size) {
    wires.get(number).sending += size;
    port.postMessage({ op: "say", wire: number, data: new Uint8Array(bytesAt(address, size)) });
  },
  take,
  sender: (number) => JSON.stringify(wires.get(number).from[0] ?? null),
  next_size: (number) => wires.get(number).heard[0]?.length ?? 0,
  waiting: (number) => wires.get(number).size,
  sending: (number) => wires.get(number).sending,
  is_open: (number) => wires.get(number).isOpen,
  is_ended: (number) => wires.get(number).isEnded,
  error: (number) => wires.get(number).error,
  local_port: (number) => wires.get(number).port,
  accept: (number) => wires.get(number).accepted.shift()?.[0] ?? 0,
  close(number) {
    wires.delete(number);
    port.postMessage({ op: "close", wire: number });
  },
  feed: () => Atomics.add(counters, FED, 1),
  watch: (ms) => port.postMessage({ op: "watch", ms }),
  random(address, size) { crypto.randomFillSync(bytesAt(address, size)); },
  aes(mode, isSealing, key, keySize, iv, data, size, out) {
    const name = `aes-${8 * keySize}-${mode === 1 ? "ecb" : "cbc"}`;
    const vector = mode === 1 ? null : Buffer.from(bytesAt(iv, 16));
    const make = isSealing ? crypto.createCipheriv : crypto.createDecipheriv;
    const cipher = make(name, Buffer.from(bytesAt(key, keySize)), vector);
    cipher.setAutoPadding(false);
    const made = Buffer.concat([cipher.update(Buffer.from(bytesAt(data, size))), cipher.final()]);
    made.copy(bytesAt(out, size));
  },
  chacha(state, data, size) { // Constants, key, counter and nonce; `data` is changed in place.
    const stream = crypto.createCipheriv("chacha20", Buffer.from(bytesAt(state + 16, 32)),
      Buffer.from(bytesAt(state + 48, 16)));
    stream.update(Buffer.from(bytesAt(data, size))).copy(bytesAt(data, size));
  },
  mix(data, stream, size) {
    const [changed, by] = [bytesAt(data, size), bytesAt(stream, size)];
    for (let at = 0; at < size; at += 1) changed[at] ^= by[at];
  },
  ghash(h, aad, aadSize, sealed, sealedSize, out) {
    ghash(bytesAt(h, 16), bytesAt(aad, aadSize), bytesAt(sealed, sealedSize))
      .copy(bytesAt(out, 16));
  },
  sha512(data, size, out) {
    crypto.createHash("sha512").update(bytesAt(data, size)).digest().copy(bytesAt(out, 64));
  },
  // 2000-01-01 until somebody sets it, as a clock without a battery. In two halves: this build
  // hands over 32 bits.
  clock_high: () => Math.floor(now() / 65536),
  clock_low: () => Math.floor(now()) % 65536,
  set_clock(high, low) { clock.skew_s = high * 65536 + low - Date.now() / 1000; },
  cause: () => board.cause,
  uart: (number) => JSON.stringify(board.uarts[number] ?? null),
  radio: () => JSON.stringify(board.radio),
  is_network: () => board.network !== false,
  unique_id: () => board.unique_id,
  is_certificate(text) {
    try { return Boolean(new crypto.X509Certificate(text)); } catch { return false; }
  },
  cpu_us: () => process.cpuUsage().user, // Of benchmarks: no board has it.
  reset() { end(102); },
  flash_open: (name, mode) => flash.open(name, mode),
  flash_read: (file, address, size) => flash.read(file, bytesAt(address, size)),
  flash_write: (file, address, size) => flash.write(file, Buffer.from(bytesAt(address, size))),
  flash_seek: (file, offset, whence) => flash.seek(file, offset, whence),
  flash_flush: (file) => flash.flush(file),
  flash_close: (file) => flash.close(file),
  flash_names: (folder) => JSON.stringify(flash.names(folder)),
  flash_stat: (name) => JSON.stringify(flash.stat(name)),
  flash_free: () => flash.freeBlocks(),
  flash_blocks: () => flash.blocks,
  flash_commits: () => flash.commits,
  cut_in: (commits) => flash.cutIn(commits),
  flash_act: (what, name, other) => flash.act(what, name, other),
  pin: (value) => { pins += value; },
};
const started_s = Date.now() / 1000;
const now = () => (clock.skew_s === null ? 946684800 + Date.now() / 1000 - started_s
  : clock.skew_s + Date.now() / 1000);

// A board has its RAM and no more, where this build would double its heap: memory that it could take
// is taken away, and to ask for more is the end (as a MemoryError it makes this build go round in
// circles). What is left for the interpreter's own small needs is less than a second heap.
function closeHeap(interpreter) {
  let isClosed = false;
  memory.grow = () => {
    if (isClosed) {
      fs.writeSync(1, `! MemoryError: ${board.heap_bytes / 1024} kB of heap are not enough\n`);
      end(CRASHED);
    }
    throw new RangeError("a board's RAM does not grow");
  };
  const slack = interpreter._malloc(SLACK_BYTES);
  for (let size = SLACK_BYTES; size >= 4096; size /= 2) while (interpreter._malloc(size));
  interpreter._free(slack);
  isClosed = true;
}

console.error = () => {}; // Of the interpreter's glue, which tells of every refusal at length.
const micropython = await loadMicroPython({
  heapsize: board.heap_bytes, pystack: C_STACK_BYTES, linebuffer: false,
  stdout: (data) => fs.writeSync(1, data), stderr: (data) => fs.writeSync(2, data),
});
for (const [host, guest] of board.copies) {
  micropython.FS.mkdirTree(path.posix.dirname(guest));
  micropython.FS.writeFile(guest, fs.readFileSync(host));
}
micropython.registerJsModule("_board", api);
closeHeap(micropython._module);

// Runs one piece of Python. What escapes ends the board, with its traceback.
function python(code) {
  const indented = code.split("\n").map((line) => "    " + line).join("\n");
  micropython.runPython(`
__end = ""
try:
${indented}
except BaseException as error:
    import _ends
    __end = _ends.how(error)
`);
  return micropython.globals.get("__end");
}

micropython.runPython("import sys\nsys.path[:] = ['/board', '/', '.frozen']");
let how = python("import _boot");
if (!how) how = python(board.main);
if (how === "running") {
  const step = micropython.pyimport("_steps").step;
  for (let ms = 0; ms !== -1;) {
    ms = step();
    if (ms) wait(ms < 0 ? WAIT_MAX_MS : Math.min(ms, WAIT_MAX_MS));
  }
  how = micropython.pyimport("_steps").ended();
}
end(how ? CRASHED : 0);
