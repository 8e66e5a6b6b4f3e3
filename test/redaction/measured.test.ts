// What redaction finds and leaves, held here and written into docs/redaction.md by `npm run redaction`.
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clean, cleanArguments, named, privates } from './corpus.ts'
import { changed, documentLines, type Met, manifests, missed, missedNames } from './measured.ts'

const file = process.env.REDACTION_PAGE

describe.skipIf(file !== undefined)('of a corpus that was written before the rules were tuned', () => {
  it('all is found but what the page says', () => {
    expect(missed.map(({ kind, text }) => `${kind}: ${text.slice(0, 24)}`)).toEqual([
      'secret: the password is Winter20',
      'token: send Zm9vUk4xK2h3cTl2Tjh',
      'token: secret in hex 9b1deb4d3b',
    ])
    expect(missedNames).toEqual([])
  })

  it('and what is harmless stays, but what the page says', () => {
    expect(changed.map(([, is]) => is)).toEqual(['{"note":"sg-903004f8, [redacted:high_entropy]"}'])
  })

  it('in documents of packages there are addresses of people, and hardly anything else', () => {
    const { texts, found } = documentLines()
    expect(texts).toBeGreaterThan(10_000)
    const others = [...found].filter(([kind]) => kind !== 'email').reduce((sum, [, { count }]) => sum + count, 0)
    expect(others / texts).toBeLessThan(0.001)
  })
})

describe.skipIf(file === undefined)('the figures of docs/redaction.md', () => {
  it('of the corpus and of what packages bring along', { timeout: 600_000 }, () => {
    const kinds = [...new Set(privates.map(({ kind }) => kind))]
    const rows = kinds.map((kind) => {
      const all = privates.filter((one) => one.kind === kind)
      const lost = missed.filter((one) => one.kind === kind)
      const what = lost.map(({ text }) => `\`${text}\``).join(', ')
      return `| ${kind} | ${all.length} | ${all.length - lost.length} | ${what} |`
    })
    const names = `| by name | ${named.length} | ${named.length - missedNames.length} | |`
    const harmless = clean.length + cleanArguments.length
    const number = (value: number): string => value.toLocaleString('en-US')
    const met = (what: string, { texts, bytes, found }: Met): string => {
      const counts = [...found].sort(([one], [other]) => one.localeCompare(other)).map(([kind, { count }]) => `${kind} ${count}`)
      return `| ${what} | ${number(texts)} | ${(bytes / 1e6).toFixed(1)} | ${counts.join(', ')} |`
    }
    writeFileSync(
      file as string,
      [
        '| to be found | in the corpus | found | missed |',
        '|---|---|---|---|',
        ...rows,
        names,
        '',
        `Of ${harmless} harmless texts and arguments of the corpus ${changed.length} is changed: ${changed.map(([was]) => `\`${was}\``).join(', ')}.`,
        '',
        '| what packages bring along | texts | MB | redacted |',
        '|---|---|---|---|',
        met('lines of documents', documentLines()),
        met('`package.json` as arguments', manifests()),
      ].join('\n'),
    )
  })
})
