// A folder of this machine with LittleFS's contract, and a power cut at a chosen commit.
//
// What was written to a file is there, whole, from its flush or close on, and not before; create,
// rename (over an existing file too) and remove are single commits. Blocks of 4 KiB are counted, so
// that it is full when a board's is. Left out: wear, torn blocks, what LittleFS itself promises.
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { BUSY, CUT, FREE, LOCK } from "./shared.mjs";

export const BLOCK_BYTES = 4096;
const OWN_BLOCKS = 2;            // Of the root folder.
const ENOENT = 2, EEXIST = 17, EISDIR = 21, EINVAL = 22, ENOSPC = 28;

export class Flash {
  constructor(folder, sizeBytes, cutAt, counters) {
    this.folder = folder;
    this.blocks = Math.floor(sizeBytes / BLOCK_BYTES);
    this.cutAt = cutAt;
    this.commits = 0;
    this.counters = counters;
    this.files = new Map();
    this.next = 1;
    fs.mkdirSync(folder, { recursive: true });
    this.used = OWN_BLOCKS;
    for (const name of fs.readdirSync(folder, { recursive: true })) {
      const found = fs.statSync(path.join(folder, name));
      if (name.endsWith("~")) { fs.rmSync(path.join(folder, name)); continue; } // A killed flush.
      this.used += found.isDirectory() ? 2 : blocksOf(found.size);
    }
  }

  // The number of an open file, or -errno. Reading sees what is committed.
  open(name, mode) {
    const host = this.host(name);
    const there = fs.statSync(host, { throwIfNoEntry: false });
    if (there?.isDirectory()) return -EISDIR;
    if (!there && mode.startsWith("r")) return -ENOENT;
    const old = there && !mode.startsWith("w") ? fs.readFileSync(host) : Buffer.alloc(0);
    const isWritten = /[wa+]/.test(mode);
    const file = { host, old, pieces: [], added: 0, at: mode.startsWith("a") ? old.length : 0,
      isWritten, isChanged: isWritten && (!there || mode.startsWith("w")) };
    this.files.set(this.next, file);
    if (isWritten && !there) this.commit(() => fs.writeFileSync(host, ""));
    return this.next++;
  }

  read(number, into) {
    const file = this.whole(number);
    const count = file.old.copy(into, 0, file.at, file.at + into.length);
    file.at += count;
    return count;
  }

  write(number, data) {
    const file = this.files.get(number);
    const size = file.old.length + file.added;
    if (!file.isWritten || file.at !== size) return -EINVAL; // We only ever append.
    const fresh = blocksOf(size + data.length) - blocksOf(file.old.length) + 1;
    if (fresh > this.blocks - this.used) return -ENOSPC;
    file.pieces.push(data);
    file.added += data.length;
    file.at += data.length;
    file.isChanged = true;
    return data.length;
  }

  seek(number, offset, whence) {
    const file = this.whole(number);
    file.at = offset + [0, file.at, file.old.length][whence];
    return file.at;
  }

  flush(number) {
    const file = this.files.get(number);
    if (!file.isChanged) return 0;
    this.commit(() => {
      const before = blocksOf(fs.statSync(file.host, { throwIfNoEntry: false })?.size ?? 0);
      this.whole(number);
      fs.writeFileSync(file.host + "~", file.old);
      fs.renameSync(file.host + "~", file.host);
      this.used += blocksOf(file.old.length) - before;
    });
    file.isChanged = false;
    return 0;
  }

  close(number) {
    this.flush(number);
    this.files.delete(number);
    return 0;
  }

  names(folder) {
    const host = this.host(folder);
    const there = fs.statSync(host, { throwIfNoEntry: false });
    if (!there?.isDirectory()) return null;
    return fs.readdirSync(host).map((name) => {
      const found = fs.statSync(path.join(host, name));
      return [name, found.isDirectory() ? 0x4000 : 0x8000, found.isDirectory() ? 0 : found.size];
    });
  }

  stat(name) {
    const found = fs.statSync(this.host(name), { throwIfNoEntry: false });
    return found ? [found.isDirectory() ? 0x4000 : 0x8000, found.size] : null;
  }

  freeBlocks() {
    return this.blocks - this.used;
  }

  // One of remove, rename, mkdir; 0 or -errno.
  act(what, name, other) {
    const host = this.host(name);
    const there = fs.statSync(host, { throwIfNoEntry: false });
    if (what !== "mkdir" && !there) return -ENOENT;
    if (what === "mkdir" && there) return -EEXIST;
    this.commit(() => {
      if (what === "remove") {
        this.used -= there.isDirectory() ? 2 : blocksOf(there.size);
        fs.rmSync(host, { recursive: true });
      } else if (what === "rename") {
        const over = fs.statSync(this.host(other), { throwIfNoEntry: false });
        this.used -= over ? blocksOf(over.size) : 0;
        fs.renameSync(host, this.host(other));
      } else {
        this.used += 2;
        fs.mkdirSync(host);
      }
    });
    return 0;
  }

  // The one place where the folder changes. Power goes before the change, or it is made.
  commit(change) {
    this.commits += 1;
    if (this.commits === this.cutAt) process.kill(process.pid, "SIGKILL");
    while (Atomics.compareExchange(this.counters, LOCK, FREE, BUSY) === CUT) {
      Atomics.wait(this.counters, LOCK, CUT);
    }
    change();
    Atomics.store(this.counters, LOCK, FREE);
    Atomics.notify(this.counters, LOCK);
  }

  host(name) {
    return path.join(this.folder, name.replace(/^\/+/, ""));
  }

  // Power goes at the so many-th commit from here on.
  cutIn(commits) {
    this.cutAt = this.commits + commits;
  }

  // A file with what was added to it, in one piece.
  whole(number) {
    const file = this.files.get(number);
    if (file.pieces.length) {
      file.old = Buffer.concat([file.old, ...file.pieces]);
      file.pieces = [];
      file.added = 0;
    }
    return file;
  }
}

function blocksOf(size) {
  return Math.ceil(size / BLOCK_BYTES);
}
