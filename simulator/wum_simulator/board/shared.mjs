// Words of memory that both threads of a board see.
export const SIGNAL = 0;         // Counts what wires.mjs has said; waited on.
export const LOCK = 1;           // Of the flash: FREE, BUSY while a commit is made, or CUT for good.
export const FED = 2;            // Counts how often the watchdog was fed.
export const SLEEPS = 3;         // Until when the program waits, by wallMs(); 0 while it runs.
export const COUNTERS = 4;
export const FREE = 0;
export const BUSY = 1;
export const CUT = 2;

// Milliseconds that fit into a word, the same in both threads.
export const wallMs = () => Date.now() % 0x40000000;

// Ends the process between two commits of the flash, as LittleFS would have it.
export function cutPower(counters, signal) {
  while (Atomics.compareExchange(counters, LOCK, FREE, CUT) === BUSY) Atomics.wait(counters, LOCK, BUSY, 5);
  process.kill(process.pid, signal);
}
