// What has no secret in it stays as it is: texts as tools give them, and what the packages of this repository bring along. Here the documents
// that people wrote; `npm run guards` reads all of the files and writes docs/guards.md.
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mask } from '../../src/gateway/guards/mask.ts'
import { maskFiles } from './corpus.ts'
import { healthyTexts } from './healthy-texts.ts'

const file = process.env.GUARDS_PAGE
/** The examples in documents of these packages have the form that the secrets of their users have. */
const examples = [
  { file: '@js-sdsl/ordered-map/README.md', counts: { named_secret: 1 } },
  { file: '@js-sdsl/ordered-map/README.zh-CN.md', counts: { named_secret: 1 } },
  { file: 'find-my-way/README.md', counts: { named_secret: 1 } },
  { file: 'pino/docs/transports.md', counts: { named_secret: 1 } },
  { file: 'tsscmp/README.md', counts: { named_secret: 2 } },
]

describe.skipIf(file !== undefined)('nothing is masked', () => {
  it.each(Object.entries(healthyTexts))('in %s', (_, text) => {
    const result = { content: [{ type: 'text', text }], structuredContent: { text, inner: JSON.stringify({ text }) } }
    for (const lines of [text, text.replaceAll('\n', '\r\n')]) {
      const bytes = Buffer.from(JSON.stringify({ ...result, content: [{ type: 'text', text: lines }] }))
      expect(mask(bytes, true, undefined)?.bytes.toString('utf8')).toBeUndefined()
    }
  })

  it('in documents of packages, but for examples of secrets', () => {
    const { files, bytes, masked } = maskFiles('documents')
    expect(files).toBeGreaterThan(300)
    expect(bytes).toBeGreaterThan(2_000_000)
    expect(masked).toEqual(examples)
  })
})

describe.skipIf(file === undefined)('the figures of docs/guards.md', () => {
  it('of all files of the packages that are installed', { timeout: 600_000 }, () => {
    const rows = (['documents', 'all'] as const).map((kind) => {
      const { files, bytes, masked } = maskFiles(kind)
      const values = masked.flatMap(({ counts }) => Object.values(counts)).reduce((a, b) => a + b, 0)
      const where = masked.map((one) => `${one.file} (${Object.entries(one.counts).map((pair) => pair.join(' '))})`).join(', ')
      const number = (value: number): string => value.toLocaleString('en-US')
      const perMb = ((values / bytes) * 1e6).toFixed(2)
      return `| ${kind} | ${number(files)} | ${number(Math.round(bytes / 1e6))} | ${values} | ${perMb} | ${where} |`
    })
    writeFileSync(
      file as string,
      ['| files | number | MB as JSON | values masked | a MB | where |', '|---|---|---|---|---|---|', ...rows].join('\n'),
    )
  })
})
