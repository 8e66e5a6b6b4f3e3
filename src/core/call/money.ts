// Amounts of money are whole numbers of billionths of the currency, so that sums are exact: fractions of a hundred thousand calls do not add
// up in binary. A call costs a whole number of them; what people and programs read is in the currency, by one division, so that multiplying
// by a billion and rounding gives back the same whole number (of up to nine million in all).

export const billion = 1_000_000_000

/** From an amount in the currency. */
export function billionthsOf(amount: number): number {
  return Math.round(amount * billion)
}

/** In the currency, with nine digits after the point at most. */
export function amountOf(billionths: number): number {
  return billionths / billion
}
