// When a peer wants to be asked again, in the forms in which peers say it: headers of HTTP, and members of JSON. All in ms from now, at most a
// day; what cannot be read is undefined.
import { isObject } from './is-object.ts'
import { vendorPrefix } from './names.ts'

export const longestRetryMs = 24 * 3_600_000

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** The three dates of RFC 9110 §5.6.7, the last two obsolete: IMF-fixdate, RFC 850, asctime. */
const dates = [
  /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
]

/** Ms since the epoch. A year of two digits is the one that is at most 50 years ahead (RFC 9110 §5.6.7). */
function httpDate(text: string, nowMs: number): number | undefined {
  for (const form of dates) {
    const found = form.exec(text)?.groups as { day: string; month: string; year: string; time: string } | undefined
    if (found === undefined) continue
    const month = months.indexOf(found.month)
    const [hours = 0, minutes = 0, seconds = 0] = found.time.split(':').map(Number)
    const thisYear = new Date(nowMs).getUTCFullYear()
    let year = Number(found.year)
    if (found.year.length === 2) {
      year += thisYear - (thisYear % 100)
      if (year > thisYear + 50) year -= 100
    }
    if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined
    return Date.UTC(year, month, Number(found.day), hours, minutes, seconds)
  }
  return undefined
}

function bounded(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryMs, Math.max(0, Math.ceil(ms)))
}

/** Seconds from now, whole as RFC 9110 has them or with a fraction. */
function seconds(text: string): number | undefined {
  return /^\d+(?:\.\d+)?$/.test(text) ? bounded(Number(text) * 1_000) : undefined
}

/** Seconds from now, or the time itself in seconds or milliseconds since the epoch: services send all of them under the same names. */
function secondsOrTime(value: number, nowMs: number): number | undefined {
  if (value < 0) return undefined
  if (value >= 1e12) return bounded(value - nowMs)
  return bounded(value >= 1e9 ? value * 1_000 - nowMs : value * 1_000)
}

/** `Retry-After` (RFC 9110 §10.2.3). */
export function ofRetryAfter(text: string, nowMs: number): number | undefined {
  const own = text.trim()
  const inSeconds = seconds(own)
  if (inSeconds !== undefined) return inSeconds
  const at = httpDate(own, nowMs)
  return at === undefined ? undefined : bounded(at - nowMs)
}

/** Of an answer that says 429 or 503: the headers that say when to come back, the one made for it first. */
export function ofHeaders(header: (name: string) => string | undefined, nowMs: number): number | undefined {
  const said = header('retry-after')
  const asked = said === undefined ? undefined : ofRetryAfter(said, nowMs)
  if (asked !== undefined) return asked
  return ofRateLimit(header('ratelimit')) ?? ofResets(header, nowMs)
}

/**
 * `RateLimit`: of draft-ietf-httpapi-ratelimit-headers, in the form of -08 and later (`"name";r=0;t=30`, several with commas) and in that of
 * -07 (`limit=10, remaining=0, reset=30`). Of several the longest that has nothing left.
 */
function ofRateLimit(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 1_024) return undefined
  const before = /(?:^|[,;\s])reset=(\d+)/.exec(text)?.[1]
  if (before !== undefined) return seconds(before)
  let longest: number | undefined
  for (const policy of text.split(',')) {
    const reset = /;\s*t=(\d+)/.exec(policy)?.[1]
    const left = /;\s*r=(\d+)/.exec(policy)?.[1]
    if (reset === undefined || (left !== undefined && Number(left) > 0)) continue
    longest = Math.max(longest ?? 0, seconds(reset) ?? 0)
  }
  return longest
}

/** `RateLimit-Reset` of the drafts before -07, and what services send in their own names. */
function ofResets(header: (name: string) => string | undefined, nowMs: number): number | undefined {
  for (const name of ['ratelimit-reset', 'x-ratelimit-reset']) {
    const text = header(name)?.trim()
    if (text === undefined) continue
    return /^\d+(?:\.\d+)?$/.test(text) ? secondsOrTime(Number(text), nowMs) : ofRetryAfter(text, nowMs)
  }
  return undefined
}

/** Members of JSON that say it: in data of errors, in structured errors of tools, and in the faults of a Signalbox behind. */
export function ofData(data: unknown, nowMs: number, depth = 0): number | undefined {
  if (!isObject(data) || depth > 3) return undefined
  for (const name of ['retry_after_ms', 'retryAfterMs']) {
    const value = numberOf(data[name])
    if (value !== undefined && value >= 0) return bounded(value)
  }
  for (const name of ['retry_after', 'retryAfter', 'retry-after', 'Retry-After', 'retry_after_seconds', 'retryAfterSeconds']) {
    const value = numberOf(data[name])
    const found = value === undefined ? undefined : secondsOrTime(value, nowMs)
    if (found !== undefined) return found
    if (typeof data[name] === 'string') {
      const read = ofRetryAfter(data[name], nowMs)
      if (read !== undefined) return read
    }
  }
  // Google: `RetryInfo.retryDelay` is a duration as text (`"17s"`).
  if (typeof data.retryDelay === 'string' && /^\d+(?:\.\d+)?s$/.test(data.retryDelay)) return seconds(data.retryDelay.slice(0, -1))
  for (const inner of [data[`${vendorPrefix}fault`], data.error, data.headers, data.data, ...listOf(data.details)]) {
    const found = ofData(inner, nowMs, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, 16) : [value]
}

/** Numbers come as text too. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && /^\d{1,16}(?:\.\d{1,9})?$/.test(value) ? Number(value) : undefined
}
