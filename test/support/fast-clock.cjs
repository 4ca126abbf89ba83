// Loaded into a program under test with `node --require`: its timers run fifty times as fast, so that a test can see the
// end of a wait of a minute. Timers shorter than
// FAST_CLOCK_FROM milliseconds (5000 unless it is set) stay as they are.

const from = Number(process.env.FAST_CLOCK_FROM ?? 5000);
const real = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (callback, ms, ...args) => real(callback, ms >= from ? ms / 50 : ms, ...args),
  real,
);
