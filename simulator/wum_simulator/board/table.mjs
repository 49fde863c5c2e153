// The interpreter's table of functions, asked once for each.
//
// Each call that may raise goes through JavaScript, and this build is one with assertions: it looks
// every function up in the table again, to be sure that its own copy is right. The engine's `get` is
// slow: that was a third of all the time that Python ran.

// Calls `told` with the exports of whatever is instantiated from here on.
export function onInstance(told) {
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...words) => {
    const made = await instantiate(...words);
    told((made.instance ?? made).exports);
    return made;
  };
}

// Keeps what each table among these exports gave, until it is changed.
export function keepFunctions(exports) {
  for (const table of Object.values(exports)) {
    if (!(table instanceof WebAssembly.Table)) continue;
    const [get, set] = [table.get.bind(table), table.set.bind(table)];
    const given = [];
    table.get = (place) => (given[place] ??= get(place));
    table.set = (place, ...value) => {
      delete given[place];
      set(place, ...value);
    };
  }
}
