// The configuration as operators may see it. What a server is given in confidence is left out whole (headers, environment), so is what stands under the
// name of a secret; everything else is searched for secrets that are known by value or by form.
import type { Redaction } from '../core/secrets/redaction.ts'
import { holdsToken } from '../core/secrets/secret-address.ts'
import { isTelling } from '../core/secrets/secret-names.ts'
import { isSecretSetting } from '../core/secrets/secret-settings.ts'
import { redactionOf } from '../core/secrets/without-secrets.ts'
import type { Settings } from './settings.ts'

const hidden = redactionOf('configured')
/** Of these every value is hidden. */
const confided = new Set(['headers', 'env'])

export function shownSettings(settings: Settings, redaction: Redaction): Readonly<Record<string, unknown>> {
  return shown(settings, [], redaction) as Readonly<Record<string, unknown>>
}

function shown(value: unknown, path: readonly (string | number)[], redaction: Redaction): unknown {
  if (Array.isArray(value)) return value.map((one, at) => (afterOption(value, at) ? hidden : shown(one, [...path, at], redaction)))
  if (typeof value === 'object' && value !== null) {
    const isConfided = confided.has(String(path.at(-1)))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        isConfided && typeof one === 'string' ? hidden : shown(one, [...path, name], redaction),
      ]),
    )
  }
  if (typeof value !== 'string') return value
  if (isSecretSetting(path)) return hidden
  if (path[0] === 'alerts' && URL.canParse(value) && holdsToken(value)) return `${new URL(value).origin}/${hidden}`
  return redaction.text(withoutUserinfo(value))
}

/** `--api-key VALUE`: what comes after such a word. */
function afterOption(list: readonly unknown[], at: number): boolean {
  const before = list[at - 1]
  return typeof list[at] === 'string' && typeof before === 'string' && /^--?[A-Za-z]/.test(before) && isTelling(before.replace(/^-+/, ''))
}

function withoutUserinfo(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/i, `$1${hidden}@`)
}
