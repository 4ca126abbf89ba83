// How long a pull token is good for: 30, 60 or 90 days, or until a day that is chosen.

import type { Form, Problems } from '../../form.ts';
import { SelectField, TextField } from '../../parts/fields.tsx';

const hour = 3_600_000;
const day = 24 * hour;
/** Of the platform: 8760 hours. */
const longest = 365 * day;
const choices = ['30', '60', '90'] as const;

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
const firstDay = (now: number): string => dayOf(now + day);
const lastDay = (now: number): string => dayOf(now + longest - day);

export function expiryFields(form: Form, now: number) {
  return (
    <>
      <SelectField
        form={form}
        name="expiration"
        label="Expiration"
        initial="30"
        options={[
          ...choices.map((days) => ({ value: days, label: `${days} days` })),
          { value: 'custom', label: 'Custom' },
        ]}
      />
      <div class="custom">
        <TextField
          form={form}
          name="date"
          label="Custom expiration"
          type="date"
          min={firstDay(now)}
          max={lastDay(now)}
          note={`The token expires at the end of this day (UTC), a year from now at the latest.`}
        />
      </div>
    </>
  );
}

/** `ttlMs` only counts where there are no problems. */
export function expiryOf(form: Form, now: number): { readonly ttlMs: number; readonly problems: Problems } {
  const expiration = form.value('expiration', '30');
  if (expiration !== 'custom') {
    const days = choices.find((each) => each === expiration);
    if (days === undefined) return { ttlMs: 0, problems: { expiration: 'Choose 30, 60 or 90 days, or Custom.' } };
    return { ttlMs: Number(days) * day, problems: {} };
  }
  const text = form.value('date');
  const end = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T23:59:59Z`) : Number.NaN;
  const isReal = !Number.isNaN(end) && dayOf(end) === text;
  const range = `Choose a day from ${firstDay(now)} to ${lastDay(now)}.`;
  if (!isReal) return { ttlMs: 0, problems: { date: text === '' ? range : `“${text}” is no day. ${range}` } };
  if (text < firstDay(now) || text > lastDay(now)) return { ttlMs: 0, problems: { date: range } };
  return { ttlMs: end - now, problems: {} };
}

/** As `--ttl` takes it. */
export function ttlWord(form: Form, now: number): string {
  const { ttlMs, problems } = expiryOf(form, now);
  return Object.keys(problems).length > 0 ? '720h' : `${Math.max(1, Math.floor(ttlMs / hour))}h`;
}
