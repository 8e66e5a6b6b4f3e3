// Rates as people write them, `calls/period`: `5/s`, `100/10s`, `2000/1d`. Amounts of money or tokens have the same form.
import { durationMs } from './duration.ts'

export interface Rate {
  /** At most so much in any period of that length. */
  readonly most: number
  readonly periodMs: number
}

export const ratePattern = /^([1-9]\d{0,11})\/((?:[1-9]\d{0,8})?)(ms|s|m|h|d)$/
/** Of what comes in fractions. */
export const amountRatePattern = /^(\d{1,12}(?:\.\d{1,9})?)\/((?:[1-9]\d{0,8})?)(ms|s|m|h|d)$/

/** Undefined where the text is no rate, of nothing at all, or of no time. */
export function readRate(text: string): Rate | undefined {
  const found = amountRatePattern.exec(text)
  if (found === null) return undefined
  const most = Number(found[1])
  const periodMs = durationMs(`${found[2] === '' ? '1' : found[2]}${found[3]}`) ?? 0
  return most > 0 && periodMs > 0 ? { most, periodMs } : undefined
}
