// What an operator asks for where calls by an old contract are to be translated into calls by a new one, as it is sent and written.
import { isObject } from '../protocol/is-object.ts'

/** What schemas leave open. */
export interface AdapterHelp {
  /** Values of arguments that the new contract needs and the old one does not have. */
  readonly set?: Readonly<Record<string, unknown>>
  /** Arguments of the old contract that may be left out. */
  readonly drop?: readonly string[]
}

export interface TranslationAsked extends AdapterHelp {
  /** The whole of it, as data, in place of what would be proposed. */
  readonly adapter?: unknown
}

export const translationForms =
  '{}, as it is proposed; {"set": {"name": value}, "drop": ["name"]}; or the whole of it, {"input": [{"op": "rename", "from": "a", "to": "b"}], "output": []}'

/** Of one of those forms; undefined where it is none of them. */
export function readTranslationAsked(value: unknown): TranslationAsked | undefined {
  if (!isObject(value)) return undefined
  const { set, drop, ...whole } = value
  const names = Object.keys(whole)
  if (names.length > 0) {
    const isWhole = set === undefined && drop === undefined && names.every((name) => name === 'input' || name === 'output')
    return isWhole ? { adapter: value } : undefined
  }
  const isHelp =
    (set === undefined || isObject(set)) && (drop === undefined || (Array.isArray(drop) && drop.every((one) => typeof one === 'string')))
  return isHelp ? { ...(set === undefined ? {} : { set }), ...(drop === undefined ? {} : { drop }) } : undefined
}
