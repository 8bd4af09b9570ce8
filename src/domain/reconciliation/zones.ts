import { nextPeriod } from '../billing-month.ts';

/** Offsets from UTC, in minutes, at both ends of a month. They differ where the clock is changed in between. */
export type Zone = { readonly atStart: number; readonly atEnd: number };

/** Every offset that time zones have, in minutes. */
const offsets: readonly number[] = [
  -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240,
  270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825, 840,
];

/** Where clocks are changed: the offset in winter, the one in summer, and the months in which summer time begins and ends. */
const clockChanges: readonly { winter: readonly number[]; by: number; begins: string; ends: string }[] = [
  // North America
  { winter: [-600, -540, -480, -420, -360, -300, -240, -210], by: 60, begins: '03', ends: '11' },
  // Greenland, the Azores, Europe, Israel
  { winter: [-120, -60, 0, 60, 120], by: 60, begins: '03', ends: '10' },
  // Egypt
  { winter: [120], by: 60, begins: '04', ends: '10' },
  // Australia, Lord Howe, Norfolk
  { winter: [570, 600, 660], by: 60, begins: '10', ends: '04' },
  { winter: [630], by: 30, begins: '10', ends: '04' },
  // New Zealand, Chatham, Chile, Easter Island
  { winter: [720, 765, -240, -360], by: 60, begins: '09', ends: '04' },
];

/** The zones that a vendor's month may be in: every offset, and in the months of clock changes those that change. */
export function zonesIn(period: string): Zone[] {
  const month = period.slice(5);
  const changing = clockChanges.flatMap(({ winter, by, begins, ends }) =>
    winter.flatMap((offset): Zone[] => {
      if (begins === month) return [{ atStart: offset, atEnd: offset + by }];
      return ends === month ? [{ atStart: offset + by, atEnd: offset }] : [];
    }),
  );
  const unchanging = offsets.map((offset): Zone => ({ atStart: offset, atEnd: offset }));
  return [...unchanging, ...new Map(changing.map((zone) => [zoneText(zone), zone])).values()];
}

/** The first instant of a day at an offset from UTC. */
export const midnightAt = (day: string, offset: number): Date =>
  new Date(Date.parse(`${day}T00:00:00Z`) - offset * 60_000);

/** The days on which a month's stretches begin, and last the one after the month. */
export const edgeDays = (period: string, changes: readonly string[]): string[] => {
  const [first, next] = [`${period}-01`, `${nextPeriod(period)}-01`];
  return [first, ...changes.filter((day) => day > first && day < next), next];
};

/** `UTC`, `UTC+05:30`, or `UTC+01:00/+02:00` where the clock is changed. */
export function zoneText({ atStart, atEnd }: Zone): string {
  if (atStart === atEnd) return `UTC${atStart === 0 ? '' : offsetText(atStart)}`;
  return `UTC${offsetText(atStart)}/${offsetText(atEnd)}`;
}

function offsetText(minutes: number): string {
  const magnitude = Math.abs(minutes);
  const hours = String(Math.floor(magnitude / 60)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(magnitude % 60).padStart(2, '0')}`;
}
