// Runs test files of the portable core on MicroPython (WebAssembly) and counts what passed.
//
// usage: node run.mjs PLAN.json
// PLAN: {"copies": [[host path, guest path], ...],
//        "files": [{"path": shown name, "module": dotted name, "tests": [function, ...]}, ...],
//        "out": host folder that gets the files which tests leave in /out, or null}
// Exit code 0 when every test passed, 1 when one failed, 2 for a plan that cannot be run.
//
// Each file gets an interpreter of its own, each test a call of its own: this build collects
// garbage between calls only, when nothing lives on the stack.
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";
import { keepFunctions, onInstance } from "../../simulator/wum_simulator/board/table.mjs";

const HEAP_BYTES = 8 * 1024 * 1024; // It grows when a test needs more.
const C_STACK_BYTES = 8 * 1024;
const SLOW_S = 10; // Named, so that nobody wonders where the minutes go.

const plan = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const hostOf = new Map(plan.copies.map(([host, guest]) => [guest, host]));
let passed = 0;
let failed = 0;

onInstance(keepFunctions);

async function interpreter() {
  const write = (stream) => (data) => fs.writeSync(stream, data);
  const micropython = await loadMicroPython({
    heapsize: HEAP_BYTES, pystack: C_STACK_BYTES, linebuffer: false,
    stdout: write(1), stderr: write(1),
  });
  for (const [host, guest] of plan.copies) {
    micropython.FS.mkdirTree(path.posix.dirname(guest));
    micropython.FS.writeFile(guest, fs.readFileSync(host));
  }
  micropython.FS.mkdirTree("/out");
  micropython.runPython("import sys, io, os\nos.chdir('/')\nsys.path[:] = ['']");
  return micropython;
}

// Runs one piece of Python; returns null, or the traceback as text.
function traceback(micropython, code) {
  const indented = code.split("\n").map((line) => "    " + line).join("\n");
  const guarded = `
__failure = None
try:
${indented}
except BaseException as error:
    __text = io.StringIO()
    sys.print_exception(error, __text)
    __failure = __text.getvalue()
`;
  try {
    micropython.runPython(guarded);
    return micropython.globals.get("__failure") ?? null;
  } catch (error) { // A syntax error, or the interpreter itself gave up.
    return `${error.type ?? error.name}: ${error.message}\n`;
  }
}

// MicroPython's traceback names lines; a person wants to see them.
function withSources(text) {
  return text.split("\n").flatMap((line) => {
    const place = /^  File "([^"]+)", line (\d+)/.exec(line);
    const host = place && hostOf.get(place[1].startsWith("/") ? place[1] : "/" + place[1]);
    if (!host) return [line];
    const source = fs.readFileSync(host, "utf8").split("\n")[place[2] - 1] ?? "";
    return [line, "    " + source.trim()];
  }).join("\n").trimEnd();
}

function count(name, failure) {
  if (failure === null) {
    passed += 1;
    return;
  }
  failed += 1;
  console.log(`FAILED ${name}\n${withSources(failure)}`);
}

async function runFile(file) {
  const micropython = await interpreter();
  const failure = traceback(micropython, `import ${file.module} as __tests`);
  if (failure !== null) {
    count(`${file.path} (import)`, failure);
    return;
  }
  micropython.runPython(`import ${file.module}\n__tests = sys.modules['${file.module}']`);
  for (const test of file.tests) {
    const started = Date.now();
    count(`${file.path}::${test}`, traceback(micropython, `__tests.${test}()`));
    const took_s = (Date.now() - started) / 1000;
    if (took_s > SLOW_S) console.log(`slow: ${file.path}::${test} took ${took_s.toFixed(1)} s`);
    micropython.runPython("import gc\ngc.collect()");
  }
  if (plan.out) keepFiles(micropython.FS);
}

function keepFiles(FS) {
  for (const name of FS.readdir("/out").filter((name) => !name.startsWith("."))) {
    fs.writeFileSync(path.join(plan.out, name), FS.readFile("/out/" + name));
  }
}

for (const file of plan.files) await runFile(file);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
