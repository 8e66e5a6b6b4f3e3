// Shares with what is known of them, and quantiles.

/** Wilson's interval of a share, at 95 %. */
export function wilson(hits: number, of: number): { readonly low: number; readonly high: number } {
  if (of === 0) return { low: 0, high: 1 }
  const z = 1.959964
  const share = hits / of
  const middle = share + (z * z) / (2 * of)
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))
  return { low: Math.max(0, (middle - half) / (1 + (z * z) / of)), high: Math.min(1, (middle + half) / (1 + (z * z) / of)) }
}

/** Of a count of rare events, at 95 %: from the chi-squared distribution by Wilson and Hilferty. */
export function poisson(count: number): { readonly low: number; readonly high: number } {
  const z = 1.959964
  const low = count === 0 ? 0 : count * (1 - 1 / (9 * count) - z / (3 * Math.sqrt(count))) ** 3
  const next = count + 1
  return { low: Math.max(0, low), high: next * (1 - 1 / (9 * next) + z / (3 * Math.sqrt(next))) ** 3 }
}

export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

const whole = (value: number): string => value.toFixed(0)

/** `86 [80, 91]`, in per cent. */
export function shareText(hits: number, of: number): string {
  if (of === 0) return '–'
  const { low, high } = wilson(hits, of)
  return `${whole((hits / of) * 100)} [${whole(low * 100)}, ${whole(high * 100)}]`
}

export function figure(value: number): string {
  return value >= 100 ? whole(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** Events per `unit` of `exposure`: `0.93 [0.57, 1.4]`. */
export function rateText(count: number, exposure: number, unit: number): string {
  const { low, high } = poisson(count)
  const per = (value: number): string => figure((value / exposure) * unit)
  return `${per(count)} [${per(low)}, ${per(high)}]`
}
