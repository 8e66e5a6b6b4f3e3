// The fuzzer: rounds of damaged traffic through the whole gateway, each judged by what must hold whatever a peer sends.
//   FUZZ_CASES  how many cases (2,000)     FUZZ_SECONDS  stop after so long     FUZZ_SEED, FUZZ_PATH  play a failure again, as it was printed
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../peers/processes.ts'
import { Callers } from './callers.ts'
import { type Case, type ClientCase, cases, type ServerCase } from './cases.ts'
import { type Rig, startRig, targets } from './rig.ts'

const wanted = Number(process.env.FUZZ_CASES ?? 2_000)
const seed = Number(process.env.FUZZ_SEED ?? 20_261_129)
const longest = Number(process.env.FUZZ_SECONDS ?? Number.POSITIVE_INFINITY)
const mostInRound = 200
/** A call that takes longer than its deadline allows will never end. */
const longestMs = 15_000

let rig: Rig
let callers: Callers
const tally = { cases: 0, rounds: 0, server: 0, client: 0, anomalies: 0, records: 0 }

beforeAll(async () => {
  rig = await startRig()
  callers = new Callers(rig)
  await callers.open()
  await callers.openSse()
  rig.settle()
}, 60_000)

afterAll(async () => {
  callers.close()
  await rig.stop()
}, 60_000)

async function serve(one: ServerCase): Promise<void> {
  const heard = await callers.play(one.caller, one.target, one.script)
  const answers = heard.messages.filter((message) => message?.id === heard.id)
  if (answers.length !== 1) throw new Error(`${answers.length} answers to one call: ${JSON.stringify(heard).slice(0, 2_000)}`)
  if (/"kind":"internal"/.test(heard.text)) throw new Error(`a fault of our own: ${heard.text}`)
}

async function send(one: ClientCase): Promise<void> {
  const { session, ...odd } = one.headers
  const headers = session === undefined ? odd : { ...callers.sessionHeaders, ...odd }
  if (one.door === 'stdio') {
    rig.stdio.write(`${one.body}\n`)
    return
  }
  const answer = await callers.send('POST', Buffer.from(one.body, 'latin1'), headers, one.door === 'sse' ? callers.ssePath : '/mcp')
  if (answer.status === 500 || /"kind":"internal"/.test(answer.text)) throw new Error(`HTTP ${answer.status}: ${answer.text}`)
}

async function round(all: readonly Case[]): Promise<void> {
  rig.forget()
  const work = all.map((one) => (one.kind === 'server' ? serve(one) : send(one)))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not all is answered; ${rig.unrest()}`)), longestMs)
  })
  try {
    await Promise.race([Promise.all(work), late])
  } finally {
    clearTimeout(timer)
    await Promise.allSettled(work.map((one) => Promise.race([one, Promise.resolve()])))
  }
  // Those who wait for their users would wait for ten minutes.
  rig.endLongWaits()
  // Lines that the stdio door was sent are dealt with once it answers the next one.
  const used = new Set(all.map((one) => (one.kind === 'server' ? one.target : 'bystander')))
  for (const target of [...targets.filter((each) => used.has(each)), 'bystander']) await served(target)
  if (!(await eventually(() => rig.unrest() === undefined, 8_000))) throw new Error(rig.unrest())
  if (rig.bugs().length > 0) throw new Error(rig.bugs().join('\n'))
  const ids = rig.records.map(({ id }) => id)
  const twice = rig.records.filter(({ id }, at) => ids.indexOf(id) !== at || ids.lastIndexOf(id) !== at)
  if (twice.length > 0) {
    const told = rig.logged.filter(({ fields }) => twice.some(({ id }) => JSON.stringify(fields).includes(id)))
    throw new Error(`two records of one call: ${JSON.stringify(twice)}; logged: ${JSON.stringify(told)}`)
  }
  const own = rig.records.filter(({ fault }) => fault?.kind === 'internal')
  if (own.length > 0) throw new Error(JSON.stringify(own))
  tally.rounds += 1
  tally.cases += all.length
  tally.server += all.filter(({ kind }) => kind === 'server').length
  tally.records += ids.length
}

/** The same server and another go on serving, by whatever door. A connection that the hostile one ended may have to be made anew. */
async function served(target: string): Promise<void> {
  for (const caller of ['modern', 'legacy', 'stdio'] as const) {
    let why: unknown
    const good = async (): Promise<boolean> =>
      callers.echo(caller, target).then(
        () => true,
        (error: unknown) => {
          why = error
          return false
        },
      )
    if (!(await eventually(good, target === 'bystander' ? 0 : 8_000))) throw why
  }
}

test(
  `${wanted} cases of damaged traffic cost no more than their own calls`,
  async () => {
    process.stdout.write(`Fuzz: FUZZ_SEED=${seed}\n`)
    const startedAt = performance.now()
    const property = fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: mostInRound, size: 'max' }), round)
    const inTime = (): boolean => performance.now() - startedAt < longest * 1_000
    for (let batch = 0; tally.cases < wanted && inTime(); batch += 1) {
      await fc.assert(property, {
        seed: (seed + batch) & 0x7fffffff,
        numRuns: 20,
        // Every round of a failure may wait for what never comes: to make it small has a limit.
        interruptAfterTimeLimit: 300_000,
        endOnFailure: process.env.FUZZ_SHRINK === undefined,
        ...(process.env.FUZZ_PATH === undefined ? {} : { path: process.env.FUZZ_PATH }),
      })
      if (process.env.FUZZ_PATH !== undefined) break
      if (batch % 5 === 4) process.stdout.write(`Fuzz: ${tally.cases} cases\n`)
    }
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    const figures = { seed, seconds, ...tally, client: tally.cases - tally.server, anomalies: rig.counted.get('proto_anomaly') ?? 0 }
    process.stdout.write(`Fuzz: ${JSON.stringify(figures)}\n`)
    if (process.env.FUZZ_FIGURES !== undefined) writeFileSync(process.env.FUZZ_FIGURES, JSON.stringify(figures))
    expect(tally.cases).toBeGreaterThan(0)
  },
  wanted * 400 + 120_000,
)
