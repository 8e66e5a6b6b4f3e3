// The tool-drift corpus of the MCP security interest group, run through the registry that the gateway asks: each case is a list with the
// approved tool and a list with the later one. `--corpus DIR` is where its two JSON files are; they are no part of this repository. Writes its
// part of docs/drift.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { payloadOf } from '../../dist/core/call/payload.js'
import { judge } from '../../dist/gateway/contracts/index.js'
import { Registry } from '../../dist/gateway/contracts/registry.js'
import { screen } from '../../dist/gateway/contracts/screening/screening.js'
import { systemClock } from '../../dist/platform/clock/system-clock.js'

const at = process.argv.indexOf('--corpus')
if (at === -1) {
  console.error('usage: node scripts/drift/corpus.mjs --corpus DIR')
  process.exit(2)
}
const files = ['content-injection-cases.json', 'capability-surface-cases.json']
const groups = files.map((file) => JSON.parse(readFileSync(join(process.argv[at + 1], file), 'utf8')))
const cases = ['malicious', 'benign', 'undeclared'].flatMap((kind) =>
  groups.flatMap((group) =>
    Object.entries(group[kind] ?? {}).flatMap(([name, one]) => (one.baseline === undefined ? [] : [{ kind, name, ...one }])),
  ),
)

async function run({ baseline, twin }) {
  const registry = new Registry({
    servers: new Map([['up', { admit: 'firstUse', owner: undefined, environment: 'default', addresses: [] }]]),
    drift: { breaking: 'hold', additive: 'adopt', prose: 'screen' },
    reading: 'declared',
    judge: { judge: async (old, now, options) => judge(old, now, options), close: async () => undefined },
    screen,
    locked: undefined,
    history: undefined,
    clock: systemClock,
    report: { log: () => undefined, counters: { add: () => undefined } },
    decisions: { note: () => undefined },
  })
  const list = async (definition) => {
    const ruled = await registry.rule('up', [{ name: definition.name, sent: payloadOf(definition) }], false)
    ruled.inForce()
    return ruled.rulings[0]
  }
  await list(baseline)
  const ruling = await list(twin)
  const tool = registry.served.get('up').tools.get(twin.name)
  const shown = ruling.shown === 'sent' ? twin : JSON.parse(Buffer.from(ruling.shown.bytes).toString())
  return { tool, shown, refused: ruling.contract?.change?.live !== undefined }
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

function shownText({ shown }, { baseline, twin }) {
  if (same(shown, twin)) return same(baseline, twin) ? 'the same' : 'the new'
  return same(shown, baseline) ? 'the old' : 'without the claim'
}

const rows = []
const counts = {}
for (const one of cases) {
  const found = await run(one)
  const { tool, refused } = found
  const judgement = tool.latest
  const held = [...new Set((tool.change?.screened?.held ?? []).map(({ rule }) => `\`${rule}\``))]
  const notes = [...new Set(screen(one.baseline, one.twin).notes.map(({ rule }) => `\`${rule}\``))]
  const riskier = judgement?.changes.some(({ kind }) => kind === 'hint.claims-riskier')
  const [outcome, count] = refused
    ? ['calls are refused', 'refused']
    : tool.state === 'changed:prose'
      ? ['the old words stay, calls go on', 'words']
      : tool.state === 'changed:hints'
        ? ['the claim is not shown, calls go on', 'claims']
        : riskier
          ? ['in force at once and told, calls go on', 'inForce']
          : notes.length > 0
            ? ['noted for operators', 'noted']
            : ['passes', 'passes']
  counts[one.kind] ??= { all: 0, acted: 0, refused: 0, words: 0, claims: 0, inForce: 0, noted: 0, passes: 0 }
  counts[one.kind].all += 1
  counts[one.kind][count] += 1
  if (count !== 'noted' && count !== 'passes') counts[one.kind].acted += 1
  const why = [
    judgement === undefined ? '' : judgement.human.replace(/^[^:]+: [a-z]+: /, ''),
    held.join(', '),
    notes.length === 0 ? '' : `noted: ${notes.join(', ')}`,
  ]
  rows.push(
    `| ${one.name.split('_')[0]} | ${one.kind} | ${tool.state} | ${shownText(found, one)} | ${outcome} | ${why
      .filter((text) => text !== '')
      .join('; ')
      .replaceAll('|', '\\|')
      .slice(0, 220)} |`,
  )
}

const { malicious, benign, undeclared } = counts
const part = [
  `Of ${malicious.all} malicious changes ${malicious.acted} do something: ${malicious.refused} has its calls refused, ${malicious.words} keep the old words, of ${malicious.claims} the new claim is not shown, and ${malicious.inForce} is shown at once as the greater risk that it says it is. Of ${benign.all} benign ones ${benign.refused} are refused and none is held for its words. Of ${undeclared.all} undeclared ones ${undeclared.words} keeps the old words and ${undeclared.noted} are noted.`,
  '',
  '| case | kind | state after it | callers are shown | outcome | found |',
  '|---|---|---|---|---|---|',
  ...rows,
  '',
]
const page = new URL('../../docs/drift.md', import.meta.url)
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(
    /(<!-- corpus -->\n)[\s\S]*(<!-- \/corpus -->)/,
    (_, head, tail) => `${head}${part.join('\n')}${tail}`,
  ),
)
console.log(part.join('\n'))
