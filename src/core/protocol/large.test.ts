import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plan, rewrite } from '../call/rewrite.ts'
import { readMessage } from './jsonrpc.ts'
import { type Checked, checkLarge, LargeCheck, largeUnderWay, partBytes } from './large.ts'
import { elements, largeBytes, MalformedJson, MemberWalk, skipSpace, skipValue } from './scan.ts'

const checked = (bytes: Uint8Array): Promise<Checked> => new Promise((resolve) => checkLarge(bytes, resolve))

/** What the check in parts of so many bytes says. */
function inParts(bytes: Uint8Array, part: number): string {
  const check = new LargeCheck(bytes)
  try {
    while (!check.step(part));
    return 'json'
  } catch (error) {
    if (error instanceof MalformedJson) return 'refused'
    throw error
  }
}

function atOnce(bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    JSON.parse(text)
    return skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0))) === bytes.length ? 'json' : 'refused'
  } catch {
    return 'refused'
  }
}

const texts = [
  '{"a":[1,-2.5e3,true,null,"\\u00e4\\n\\"x\\"",{}],"ä€😀":"ß"} ',
  '[[[]],{"a":{"b":[]}},""]',
  ' 7',
  '"x"',
  '{"a":1,}',
  '[1 2]',
  '{"a" 1}',
  '"\\x"',
  '"\\u12g4"',
  '01',
  '',
  '[',
  '{"a":',
  '"a',
  'nul',
  '[]]',
  '{"a":1}{',
  '"\u0001"',
]

describe('a large message', () => {
  it.each(texts)('is judged in parts as at once: %s', (text) => {
    const bytes = Buffer.from(text)
    for (let part = 1; part <= bytes.length + 1; part += 1) expect(inParts(bytes, part)).toBe(atOnce(bytes))
  })

  it('is judged so whatever it holds, and wherever it is broken', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 9 }), fc.nat(), fc.nat(255), (json, part, place, byte) => {
        const bytes = Buffer.from(json)
        expect(inParts(bytes, part)).toBe(atOnce(bytes))
        const broken = Buffer.from(bytes)
        broken[place % bytes.length] = byte
        expect(inParts(broken, part)).toBe(atOnce(broken))
      }),
      { numRuns: 500 },
    )
  })

  it('that is nested too deep is refused', () => {
    expect(inParts(Buffer.from('['.repeat(513) + ']'.repeat(513)), 100)).toBe('refused')
    expect(inParts(Buffer.from('['.repeat(512) + ']'.repeat(512)), 100)).toBe('json')
  })

  it('takes a turn of the loop for each part, which others have too', async () => {
    const bytes = Buffer.from(JSON.stringify({ text: 'x'.repeat(partBytes * 20) }))
    let turns = 0
    const count = (): void => {
      turns += 1
      if (largeUnderWay() > 0) setImmediate(count)
    }
    const one = checked(bytes)
    const two = checked(bytes)
    expect(largeUnderWay()).toBe(2)
    count()
    expect(await one).toMatchObject({ why: undefined, isReplaced: false })
    await two
    expect(turns).toBeGreaterThanOrEqual(40)
    expect(largeUnderWay()).toBe(0)
  })

  it('is leapt over afterwards: what lies in a long value is not looked at again', async () => {
    const long = `"${'x'.repeat(largeBytes)}"`
    const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":${long}},7],"isError":true}}`)
    await checked(bytes)
    const quoteAt = bytes.length - 40
    bytes[quoteAt - 100] = 0x22
    const message = readMessage(bytes)
    expect(message).toMatchObject({ kind: 'result', id: '1', facts: { isError: true } })
    if (message.kind !== 'result') throw new Error(message.kind)
    const edited = rewrite(message.result.bytes, plan([{ path: ['_meta', 'a'], value: '1' }]))
    const walk = new MemberWalk(edited, 0, 'before')
    const keys: string[] = []
    while (walk.next()) {
      keys.push(walk.key())
      if (walk.keyIs('content')) expect(elements(edited, walk.start)).toHaveLength(2)
    }
    expect(keys).toEqual(['content', 'isError', '_meta'])
  })

  it('has U+FFFD for what is not UTF-8, and no byte order mark', async () => {
    const text = Buffer.from(`{"text":"${'ä'.repeat(largeBytes)}X"}`)
    text[text.indexOf('X')] = 0xff
    const found = await checked(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), text]))
    expect(found).toMatchObject({ why: undefined, isReplaced: true })
    expect(JSON.parse(Buffer.from(found.bytes).toString()).text.at(-1)).toBe('\ufffd')
  })

  it('that is no JSON is refused with the place', async () => {
    const found = await checked(Buffer.from(`{"text":"${'x'.repeat(largeBytes)}`))
    expect(found.why?.message).toBe('unterminated string at byte 8')
  })
})
