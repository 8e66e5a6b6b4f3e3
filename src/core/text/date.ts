// Dates as people write them: a day, which begins at midnight UTC, or a moment (RFC 3339).

export const datePattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(\.\d{1,3})?(Z|[+-]\d{2}:\d{2}))?$/

/** Ms since the epoch; undefined of what is no date, or none of the calendar. */
export function dateMs(text: string): number | undefined {
  if (!datePattern.test(text)) return undefined
  const ms = Date.parse(text)
  // A month of 30 days has no 31st: the runtime would take it for the 1st of the next.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  return Number.isNaN(ms) || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text.slice(0, 10) ? undefined : ms
}
