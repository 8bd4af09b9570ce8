import { nextDay, nextPeriod, startOfDay } from '../billing-month.ts';

/** Offsets from UTC, in minutes, at both ends of a month. They differ where the clock is changed in between. */
export type Zone = {
  readonly atStart: number;
  readonly atEnd: number;
  /** The last day of the month on which the clock may be changed. */
  readonly changesBy: number;
};

/** Every offset that time zones have, in minutes. */
const offsets: readonly number[] = [
  -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240,
  270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825, 840,
];

/**
 * Where clocks are changed: the offsets in winter, by how much, the months in which summer time begins and ends, and
 * until which day of them.
 */
const clockChanges: readonly {
  readonly winter: readonly number[];
  readonly by: number;
  readonly begins: string;
  readonly ends: string;
  readonly changesBy: number;
}[] = [
  // North America
  { winter: [-600, -540, -480, -420, -360, -300, -240, -210, -180], by: 60, begins: '03', ends: '11', changesBy: 14 },
  // Greenland, the Azores, Europe, Israel
  { winter: [-120, -60, 0, 60, 120], by: 60, begins: '03', ends: '10', changesBy: 31 },
  // Troll
  { winter: [0], by: 120, begins: '03', ends: '10', changesBy: 31 },
  // Egypt
  { winter: [120], by: 60, begins: '04', ends: '10', changesBy: 31 },
  // Australia, Lord Howe, Norfolk
  { winter: [570, 600, 660], by: 60, begins: '10', ends: '04', changesBy: 7 },
  { winter: [630], by: 30, begins: '10', ends: '04', changesBy: 7 },
  // New Zealand, Chatham; Chile, Easter Island
  { winter: [720, 765], by: 60, begins: '09', ends: '04', changesBy: 30 },
  { winter: [-240, -360], by: 60, begins: '09', ends: '04', changesBy: 8 },
];

/** Where clocks are changed by another calendar, as by Ramadan in Morocco: this Node knows when. */
const changeableZones: readonly string[] = ['Africa/Casablanca'];

/** The zones that a vendor's month may be in: every offset, and in the months of clock changes those that change. */
export function zonesIn(period: string): Zone[] {
  const month = period.slice(5);
  const changing = clockChanges.flatMap(({ winter, by, begins, ends, changesBy }) =>
    winter.flatMap((offset): Zone[] => {
      if (begins === month) return [{ atStart: offset, atEnd: offset + by, changesBy }];
      return ends === month ? [{ atStart: offset + by, atEnd: offset, changesBy }] : [];
    }),
  );
  const others = changeableZones.map((name) => zoneCalled(name, period)).filter((zone) => zone.atStart !== zone.atEnd);
  const unchanging = offsets.map((offset): Zone => ({ atStart: offset, atEnd: offset, changesBy: 0 }));
  return [...unchanging, ...new Map([...others, ...changing].map((zone) => [zoneText(zone), zone])).values()];
}

function zoneCalled(name: string, period: string): Zone {
  const offsetOn = (day: string) => (Date.parse(`${day}T00:00:00Z`) - startOfDay(day, name).getTime()) / 60_000;
  const next = `${nextPeriod(period)}-01`;
  const [atStart, atEnd] = [offsetOn(`${period}-01`), offsetOn(next)];
  let changesBy = 0;
  for (let day = `${period}-01`; day !== next; day = nextDay(day))
    if (offsetOn(day) !== atEnd) changesBy = Number(day.slice(8));
  return { atStart, atEnd, changesBy };
}

/** When the days of a month, and the one after it, begin in a zone. */
export function midnightsIn({ atStart, atEnd, changesBy }: Zone, days: readonly string[]): Date[] {
  return days.map((day, index) => {
    const isChanged = index === days.length - 1 || Number(day.slice(8)) > changesBy;
    return new Date(Date.parse(`${day}T00:00:00Z`) - (isChanged ? atEnd : atStart) * 60_000);
  });
}

/** The days on which a month's stretches begin, and last the one after the month. */
export const edgeDays = (period: string, changes: readonly string[]): string[] => {
  const [first, next] = [`${period}-01`, `${nextPeriod(period)}-01`];
  return [first, ...changes.filter((day) => day > first && day < next), next];
};

/** `UTC`, `UTC+05:30`, or `UTC+01:00/+02:00` where the clock is changed. */
export function zoneText({ atStart, atEnd }: Pick<Zone, 'atStart' | 'atEnd'>): string {
  if (atStart === atEnd) return `UTC${atStart === 0 ? '' : offsetText(atStart)}`;
  return `UTC${offsetText(atStart)}/${offsetText(atEnd)}`;
}

function offsetText(minutes: number): string {
  const magnitude = Math.abs(minutes);
  const hours = String(Math.floor(magnitude / 60)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(magnitude % 60).padStart(2, '0')}`;
}
