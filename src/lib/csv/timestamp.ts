const DATE =
  /(?:(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})|(?<day2>\d{1,2})[-/.](?<month2>\d{1,2})[-/.](?<year2>\d{4}))/;
const TIME = /(?:(?<hours>\d{1,4}):)?(?<minutes>\d{1,2}):(?<seconds>\d{1,2})(?<fraction>[.,]\d{1,9})?/;
const ZONE = /\s*(?:Z|UTC|(?<sign>[+-])(?<zoneHours>\d{2}):?(?<zoneMinutes>\d{2}))?/;
const TIMESTAMP = new RegExp(`^(?:${DATE.source}[T ]\\s*)?${TIME.source}${ZONE.source}$`);
/** Time before date, as PhysioBank's tables have it. */
const REVERSED = new RegExp(`^(?<time>\\S+)\\s+(?<date>${DATE.source})$`);

/**
 * Seconds of a time of day or a point in time, with or without a date (`2020-05-12T12:33:59.004Z`, `12:33:59.004`, `0:00.004`, `[12:33:59.004 12/05/2020]`);
 * undefined for any other text. Differences count, not where zero is.
 */
export function parseTimestamp(text: string): number | undefined {
  const plain = text.trim().replace(/^['"[]+|['"\]]+$/g, '');
  if (plain.length > 64) return undefined;
  const reversed = REVERSED.exec(plain)?.groups;
  const found = TIMESTAMP.exec(reversed ? `${reversed.date} ${reversed.time}` : plain)?.groups;
  if (!found) return undefined;
  const part = (name: string): number => Number(found[name] ?? 0);
  const [year, month, day] = [
    part('year') || part('year2'),
    part('month') || part('month2'),
    part('day') || part('day2'),
  ];
  const days = year === 0 ? 0 : Date.UTC(year, month - 1, day) / 86_400_000;
  const fraction = Number((found.fraction ?? '.0').replace(',', '.'));
  const zone = (found.sign === '-' ? -1 : 1) * (60 * part('zoneHours') + part('zoneMinutes'));
  return days * 86_400 + (part('hours') * 60 + part('minutes') - zone) * 60 + part('seconds') + fraction;
}
