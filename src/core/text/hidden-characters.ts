// Characters that people do not see and models read: format characters, controls, private use, fillers, selectors of variants.

/** As the source of a pattern, since each use has flags of its own. */
const unseenClass =
  '[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\p{Cf}\\p{Co}\\p{Zl}\\p{Zp}\\u115f\\u1160\\u2800\\u3164\\uffa0]|[\\u{e0100}-\\u{e01ef}]|\\u034f|[\\u17b4\\u17b5]'
/** Of emoji, and of scripts that join letters. */
const joinedClass =
  '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]|\\ufe0f)\\u200d(?=\\p{Extended_Pictographic})|(?<=[\\p{Script=Arabic}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Tamil}])[\\u200c\\u200d]'

const unseen = new RegExp(`${unseenClass}|\\p{Variation_Selector}{2}`, 'u')
const joined = new RegExp(joinedClass, 'gu')

/** Whether it has characters that cannot be seen, but for those that join emoji and letters. */
export function hasUnseen(text: string): boolean {
  return unseen.test(text) && unseen.test(text.replace(joined, ''))
}

/**
 * Of texts that people write by the million: a mark of the order of bytes, a hyphen where a word may end, marks of direction beside letters
 * that are read from the right, joiners after letters of all scripts that have them.
 */
const usual = /\ufeff|\u00ad|[\u200e\u200f\u061c]/u
const joiningScripts =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]/u
const emoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]|\ufe0f/u
/** Flags of parts of countries: a black flag, letters and digits as tags, and the end of the tags. */
const flag = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,6}\u{e007f}/uy
const one = new RegExp(`${unseenClass}|\\p{Variation_Selector}`, 'u')
const ascii = /^[\t\n\r -~]*$/

/** The text with `\u{E0041}` in place of each character that cannot be seen and says something to models alone; the same text where none does. */
export function shown(text: string): { readonly text: string; readonly count: number } {
  if (ascii.test(text) || !one.test(text)) return { text, count: 0 }
  let out = ''
  let count = 0
  let before = ''
  let selectors = 0
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i) as number
    const character = String.fromCodePoint(code)
    flag.lastIndex = i
    const flagged = code === 0x1f3f4 ? flag.exec(text)?.[0] : undefined
    if (flagged !== undefined) {
      out += flagged
      before = '\ufe0f'
      i += flagged.length
      continue
    }
    i += character.length
    const isSelector = /\p{Variation_Selector}/u.test(character)
    if (one.test(character) && !isAtHome(character, isSelector, before, text.codePointAt(i), selectors)) {
      out += `\\u{${code.toString(16).toUpperCase().padStart(4, '0')}}`
      count += 1
    } else out += character
    selectors = isSelector ? selectors + 1 : 0
    if (!isSelector || character === '\ufe0f') before = character
  }
  return { text: out, count }
}

function isAtHome(character: string, isSelector: boolean, before: string, after: number | undefined, selectors: number): boolean {
  if (usual.test(character)) return true
  // One selector is of the character before it; several in a row can spell anything.
  if (isSelector) return selectors === 0 && before !== ''
  const next = after === undefined ? '' : String.fromCodePoint(after)
  if (character === '\u200d' && emoji.test(before) && emoji.test(next)) return true
  if (character === '\u200c' || character === '\u200d') return /\p{M}/u.test(before) || joiningScripts.test(before)
  // An escape that colours what a program prints.
  return character === '\u001b' && next === '['
}
