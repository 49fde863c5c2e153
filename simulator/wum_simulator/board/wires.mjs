// What a board hears and says: UARTs, sockets, the watchdog. This thread owns every descriptor.
//
// Left out: the interpreter (main.mjs), which is told of everything by messages and a counter that
// it waits on. Bytes of a UART take the time that its baud gives them, there and back.
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import tty from "node:tty";
import { execFileSync } from "node:child_process";
import { workerData } from "node:worker_threads";
import { FED, SIGNAL, SLEEPS, cutPower, wallMs } from "./shared.mjs";

const { port, counters } = workerData;
const HEARD_MAX = 65536;         // What Python has not taken yet; the other side waits from here on.
const UART_HEARD_MAX = 4096;     // A UART's buffer: what comes beyond is lost, as on a board.
const PIECE_MS = 2;              // Paced bytes are handed over in pieces of so long.
const ERRNO = { ECONNREFUSED: 111, ECONNRESET: 104, EHOSTUNREACH: 113, ENETUNREACH: 101,
  ETIMEDOUT: 110, EADDRINUSE: 98, ENOTFOUND: 2, EPIPE: 32 };
const wires = new Map();
const adopted = new Map();       // Accepted connections that Python has not numbered yet.
let nextAdopted = 1;

function say(what, wire, more = {}) {
  port.postMessage({ what, wire, ...more });
  Atomics.add(counters, SIGNAL, 1);
  Atomics.notify(counters, SIGNAL);
}

const failed = (number) => (error) => say("failed", number, { value: ERRNO[error.code] ?? 5 });

// Carries a stream both ways under a number.
function carry(number, socket) {
  const wire = { socket, waiting: 0 };
  wires.set(number, wire);
  socket.setNoDelay?.(true);
  socket.on("data", (data) => {
    say("heard", number, { data: new Uint8Array(data) });
    wire.waiting += data.length;
    if (wire.waiting > HEARD_MAX) socket.pause();
  });
  socket.on("end", () => say("ended", number));
  socket.on("close", () => say("ended", number));
  socket.on("error", failed(number));
  wire.took = (size) => {
    wire.waiting -= size;
    if (wire.waiting <= HEARD_MAX) socket.resume();
  };
  wire.say = (data) => socket.write(data, () => say("sent", number, { value: data.length }));
  wire.close = () => socket.destroySoon();
  return wire;
}

// A wire of bytes behind a UART: a pty, or meters behind TCP.
function wireTo(to, settings, heard, lost) {
  if (to.startsWith("tcp://")) {
    const [host, number] = to.slice(6).split(":");
    const socket = net.connect({ host, port: Number(number), noDelay: true });
    socket.on("data", heard);
    socket.on("error", () => setTimeout(lost, 100));
    socket.on("end", () => setTimeout(lost, 100));
    return { write: (data) => socket.write(data), close: () => socket.destroy() };
  }
  const device = fs.realpathSync(to);
  execFileSync("stty", ["-F", device, String(settings.baud), "raw", "-echo"]);
  const handle = fs.openSync(device, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  const stream = new tty.ReadStream(handle);
  stream.on("data", heard);
  stream.on("error", () => {});    // Its close follows, as that of a pty whose other side has ended.
  stream.on("close", () => {
    try { fs.closeSync(handle); } catch { /* The stream has no other of its own. */ }
    setTimeout(lost, 100);
  });
  return { write: (data) => fs.writeSync(handle, data), close: () => {
    stream.removeAllListeners("data");
    lost = () => {};
    stream.destroy();
  } };
}

class Uart {
  constructor(number, { to, paced, ...settings }) {
    this.number = number;
    this.settings = settings;
    this.paced = paced;
    this.waiting = 0;
    this.arriving = Buffer.alloc(0);
    this.arrivedUntil = 0;       // When the last byte that was handed over had come.
    this.saidUntil = 0;          // When the last byte that was said has left.
    this.connect(to);
  }

  connect(to) {
    if (this.isClosed) return;
    this.wire?.close();
    try {
      this.wire = wireTo(to, this.settings, (data) => this.arrives(data), () => this.connect(to));
    } catch {
      setTimeout(() => this.connect(to), 100); // Nothing is plugged in: silence.
    }
  }

  get byteMs() {
    return this.paced ? 1000 * this.settings.bits / this.settings.baud : 0;
  }

  set(settings) {
    this.settings = { ...this.settings, ...settings };
  }

  arrives(data) {
    if (!this.arriving.length) this.arrivedUntil = Math.max(this.arrivedUntil, performance.now());
    this.arriving = Buffer.concat([this.arriving, data]);
    this.handOver();
  }

  handOver() {
    clearTimeout(this.timer);
    const passed = performance.now() - this.arrivedUntil;
    const count = this.byteMs ? Math.min(this.arriving.length, Math.floor(passed / this.byteMs))
      : this.arriving.length;
    if (count > 0) {
      const piece = this.arriving.subarray(0, Math.min(count, UART_HEARD_MAX - this.waiting));
      this.arriving = this.arriving.subarray(count);
      this.arrivedUntil += count * this.byteMs;
      this.waiting += piece.length;
      if (piece.length) say("heard", this.number, { data: new Uint8Array(piece) });
    }
    if (this.arriving.length) {
      const wait = Math.max(this.byteMs, PIECE_MS);
      this.timer = setTimeout(() => this.handOver(), wait);
    }
  }

  took(size) {
    this.waiting -= size;
  }

  // Whoever listens at the other end has heard a request when its last byte has left.
  say(data) {
    const now = performance.now();
    this.saidUntil = Math.max(this.saidUntil, now) + data.length * this.byteMs;
    setTimeout(() => {
      try { this.wire?.write(data); } catch { /* Nothing is plugged in: nobody hears it. */ }
      say("sent", this.number, { value: data.length });
    }, this.saidUntil - now);
  }

  close() {
    this.isClosed = true;
    this.wire?.close();
  }
}

// What mbedTLS says of a certificate, by its flags, at the moment `now_s` of the board's clock.
const REFUSED = 1 << 20;
const [EXPIRED, OTHER_HOST, NOT_SIGNED, FUTURE, NO_TLS] = [1, 4, 8, 512, 1 << 16];
const OF_TIME = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

function wrong(secured, host, now_s) {
  const own = secured.getPeerCertificate();
  let flags = tls.checkServerIdentity(host, own) ? OTHER_HOST : 0;
  if (Date.parse(own.valid_to) < now_s * 1000) flags |= EXPIRED;
  if (Date.parse(own.valid_from) > now_s * 1000) flags |= FUTURE;
  const why = secured.authorizationError?.code ?? secured.authorizationError;
  if (why && why !== "ERR_TLS_CERT_ALTNAME_INVALID" && !OF_TIME.includes(why)) flags |= NOT_SIGNED;
  return flags;
}

// TLS over a connection that stands, which is carried under another number from here on.
function secure(number, { theirs, authority, host, now_s }) {
  const plain = wires.get(theirs).socket;
  wires.delete(theirs);
  for (const event of ["data", "end", "close", "error"]) plain.removeAllListeners(event);
  const secured = tls.connect({ socket: plain, ca: authority, minVersion: "TLSv1.2",
    servername: net.isIP(host) ? "" : host, rejectUnauthorized: false,
    checkServerIdentity: () => undefined });
  carry(number, secured);
  secured.removeAllListeners("error");
  secured.on("error", (error) => (error.code?.startsWith("ERR_SSL")
    ? say("failed", number, { value: REFUSED + NO_TLS }) : failed(number)(error)));
  secured.on("secureConnect", () => {
    const flags = wrong(secured, host, now_s);
    if (!flags) return say("open", number);
    secured.destroy();
    say("failed", number, { value: REFUSED + flags });
  });
}

function listen(number, { host, port: wanted }) {
  const server = net.createServer((socket) => {
    socket.pause();
    adopted.set(nextAdopted, socket);
    say("accepted", number, { value: nextAdopted++ });
  });
  server.on("error", failed(number));
  server.listen(wanted, host, () => say("open", number, { value: server.address().port }));
  wires.set(number, { close: () => server.close(), took() {} });
}

function datagrams(number) {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (data, from) => say("heard", number, {
    data: new Uint8Array(data), value: [from.address, from.port] }));
  socket.on("error", failed(number));
  wires.set(number, { socket, took() {}, close: () => socket.close() });
}

const ops = {
  tcp(number, { host, port: to }) {
    const socket = net.connect({ host, port: to });
    carry(number, socket);
    socket.on("connect", () => say("open", number));
  },
  adopt(number, { theirs }) {
    const socket = adopted.get(theirs);
    adopted.delete(theirs);
    carry(number, socket);
    socket.resume();
  },
  secure,
  listen,
  udp: datagrams,
  uart: (number, settings) => wires.set(number, new Uart(number, settings)),
  set: (number, settings) => wires.get(number)?.set(settings),
  send: (number, { data, host, port: to }) =>
    wires.get(number)?.socket.send(Buffer.from(data, "hex"), to, host),
  say: (number, { data }) => wires.get(number)?.say(data),
  took: (number, { size }) => wires.get(number)?.took(size),
  close(number) {
    wires.get(number)?.close();
    wires.delete(number);
  },
  watch(_, { ms }) { watch(ms); },
};

// The watchdog cannot be stopped, as on a board. Its time is what the program slept or reckoned: a
// machine that is too busy to let the board run at all makes no hung program of it.
let watching;
function watch(ms) {
  let fed = Atomics.load(counters, FED);
  let [lastMs, lastUsed, passedMs] = [performance.now(), usedMs(), 0];
  clearInterval(watching);
  watching = setInterval(() => {
    const [nowMs, used] = [performance.now(), usedMs()];
    const sleeps = wallMs() < Atomics.load(counters, SLEEPS);
    passedMs += sleeps ? nowMs - lastMs : Math.min(nowMs - lastMs, used - lastUsed);
    [lastMs, lastUsed] = [nowMs, used];
    const seen = Atomics.load(counters, FED);
    if (seen !== fed) [fed, passedMs] = [seen, 0];
    else if (passedMs >= ms) cutPower(counters, "SIGALRM");
  }, Math.max(5, Math.floor(ms / 10)));
}

function usedMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

// The supervisor's hand: "cut" ends it as a plug that is pulled; its own end ends this too.
const hand = new net.Socket({ fd: 0, readable: true, writable: false });
hand.setEncoding("ascii");
hand.on("data", (text) => { if (text.includes("cut")) cutPower(counters, "SIGKILL"); });
hand.on("close", () => cutPower(counters, "SIGKILL"));

port.on("message", ({ op, wire, ...more }) => ops[op](wire, more));
