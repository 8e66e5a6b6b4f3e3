// Figures for people: durations, sizes, numbers and money, each in the unit that reads best.

/** `ms` rounded as far as anybody reads: 12 ms, 1.2 s, 2 min 5 s, 3 h 10 min. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** To the second, in UTC. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** With a mark between thousands. */
export function amount(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `nano`: in 10^-9 of the currency. As many digits as there are, at least two. */
export function money(nano: number, currency: string | undefined): string {
  const whole = Math.floor(nano / 1e9)
  const digits = String(nano % 1e9).padStart(9, '0')
  const kept = digits.replace(/0+$/, '').padEnd(2, '0')
  return `${amount(whole)}.${kept}${currency === undefined ? '' : ` ${currency}`}`
}
