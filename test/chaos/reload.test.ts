// C05: a server that is taken out of the configuration while it is in use.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { l7Faults as faults } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { type L7Server, startL7Server } from './l7-server.ts'
import { RawClient, type RawEra, textOf } from './raw-client.ts'
import { type Rig, startRig } from './rig.ts'
import { cellOf, shown, tell } from './table.ts'

const eras = ['modern', 'legacy'] as const
const recoveryMs = 8_000
const l7 = {} as Record<RawEra, L7Server>
let rig: Rig

beforeAll(async () => {
  for (const era of eras) l7[era] = await startL7Server(era)
  rig = await startRig({ servers: { modern: { url: l7.modern.url }, legacy: { url: l7.legacy.url } }, drain: { graceMs: 5_000 } })
  await rig.serves(...eras)
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  for (const era of eras) await l7[era].stop()
}, 30_000)

/** The file that the gateway was started with. */
function configFile(): string {
  const { spawnargs } = rig.gateway.child
  return spawnargs[spawnargs.indexOf('--config') + 1] as string
}

test.each(eras)(
  'C05 %s: its call in flight ends well, later ones are told that it is gone, and it serves again once it is back',
  async (upstream) => {
    const whole = readFileSync(configFile(), 'utf8')
    const { servers, ...rest } = JSON.parse(whole) as { servers: Record<string, unknown> }
    const { [upstream]: _, ...others } = servers
    for (const era of eras) {
      const client = await new RawClient(era, `${rig.base}/mcp`).connect()
      const name = `${upstream}__write`
      const tag = `C05-${era}-${upstream}`
      let letGo: () => void = () => undefined
      const until = new Promise<void>((resolve) => {
        letGo = resolve
      })
      l7[upstream].script(tag, faults.held(until))
      const under = client.call(name, { tag })
      expect(await eventually(() => l7[upstream].effectsOf(tag) === 1)).toBe(true)
      writeFileSync(configFile(), JSON.stringify({ ...rest, servers: others }))
      rig.gateway.child.kill('SIGHUP')
      const gone = async (): Promise<boolean> => {
        const answer = await client.call(name, { tag: `${tag}-late` })
        expect(answer.answers).toHaveLength(1)
        return textOf(answer) !== `${tag}-late`
      }
      expect(await eventually(gone)).toBe(true)
      const late = l7[upstream].effectsOf(`${tag}-late`)
      const told = await client.call(name, { tag: `${tag}-late` })
      expect(told.answers).toHaveLength(1)
      expect(told.text).toContain(name)
      expect(l7[upstream].effectsOf(`${tag}-late`)).toBe(late)
      letGo()
      const answer = await under
      const begun = performance.now()
      writeFileSync(configFile(), whole)
      rig.gateway.child.kill('SIGHUP')
      const back = async (): Promise<boolean> => textOf(await client.call(name, { tag: `${tag}-back` })) === `${tag}-back`
      expect(await eventually(back, recoveryMs)).toBe(true)
      const met = { id: 'C05', fault: 'removed from the configuration in mid-call', era: `${era} → ${upstream}`, answer, text: tag }
      const recovered = { recoveryMs: performance.now() - begun, withinMs: recoveryMs }
      tell(cellOf({ ...met, executions: l7[upstream].effectsOf(tag), ...recovered }))
      shown('C05', 'a call of what was removed', `${era} → ${upstream}`, { answers: told.answers.length, ...recovered })
      expect(textOf(answer), answer.text).toBe(tag)
      await client.close()
    }
    await rig.neighbourIsFine()
  },
)
