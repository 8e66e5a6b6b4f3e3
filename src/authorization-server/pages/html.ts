// HTML with everything escaped that is not said to be markup.

export interface Markup {
  readonly markup: string
}

/** Values are escaped; markup, and lists of it, stand as they are; `undefined` and `false` leave nothing. */
export function html(texts: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return { markup: texts.map((text, at) => (at === 0 ? text : `${rendered(values[at - 1])}${text}`)).join('') }
}

function rendered(value: unknown): string {
  if (value === undefined || value === false) return ''
  if (Array.isArray(value)) return value.map(rendered).join('')
  return isMarkup(value) ? value.markup : escaped(String(value))
}

function isMarkup(value: unknown): value is Markup {
  return typeof value === 'object' && value !== null && 'markup' in value && typeof value.markup === 'string'
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Letters that turn the direction of writing, or show nothing, could make one name look like another. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}
