// Durations as people write them: `30s`, `15m`, `1h`, `90d`.

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Of the calendar in UTC, which knows no leap seconds. */
export const dayMs = units.d

export const durationPattern = /^(\d{1,9})(ms|s|m|h|d)$/

/** Milliseconds; undefined where the text is no duration. */
export function durationMs(text: string): number | undefined {
  const found = durationPattern.exec(text)
  return found === null ? undefined : Number(found[1]) * units[found[2] as keyof typeof units]
}

/** For people: `250 ms`, `2.5 s`, `10 min`, `1 h`, `30 d`. */
export function inWords(ms: number): string {
  if (!Number.isFinite(ms)) return 'ever'
  const [unit, size] = inText.find(([, least]) => ms >= least) ?? (['ms', 1] as const)
  return `${Math.ceil((ms / size) * 10) / 10} ${unit}`
}

const inText = [
  ['d', units.d],
  ['h', units.h],
  ['min', units.m],
  ['s', units.s],
] as const
