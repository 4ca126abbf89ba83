// Loaded into a program under test with `node --require`: its clock is CLOCK_SHIFT_MS milliseconds ahead, or behind.
const shift = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = globalThis.Date;
globalThis.Date = class ShiftedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shift);
    else super(...args);
  }
  static now() {
    return RealDate.now() + shift;
  }
};
