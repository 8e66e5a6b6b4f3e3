// Lines of comma-separated values (RFC 4180). What a spreadsheet would take for a formula is given as text.

export function csvLine(values: readonly (string | number)[]): string {
  return values.map(csvValue).join(',')
}

function csvValue(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
