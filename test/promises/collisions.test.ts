// The same name twice: two servers that offer equal tools and equal resources are told apart by rule, never by chance.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { settingsSchema } from '../../src/assembly/settings.ts'
import { checkSettings } from '../../src/operate/configuration/checks.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { modern, upstreamsOf } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const note = { uri: 'note://same', name: 'note' }
let one: Scripted
let two: Scripted
let gateway: UnderTest

beforeAll(async () => {
  one = await startScripted({
    tools: [plainTool('search'), plainTool('only_one')],
    resources: [note],
    call: ({ answer }) => answer(textResult('one')),
  })
  two = await startScripted({ tools: [plainTool('search')], resources: [note], call: ({ answer }) => answer(textResult('two')) })
  gateway = await startUnderTest({ servers: { one: { url: one.url, era: 'legacy' }, two: { url: two.url, era: 'legacy' } } })
})
afterAll(async () => {
  await gateway.stop()
  await one.close()
  await two.close()
})

const call = (name: string, mount = '') => modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount })

describe('conflicting names', () => {
  promise('R72', 'each tool has a name of its own, the same at every start, and reaches its own server', async () => {
    const { message } = await modern(gateway.base, 'tools/list')
    expect(message.result.tools.map((tool: { name: string }) => tool.name)).toEqual(['one__search', 'one__only_one', 'two__search'])
    expect((await call('one__search')).message.result.content[0].text).toBe('one')
    expect((await call('two__search')).message.result.content[0].text).toBe('two')
    expect((await call('search', '/two')).message.result.content[0].text).toBe('two')
  })

  promise('R72', 'a bare name that several own is refused with the candidates, and reaches no server', async () => {
    const before = one.count('tools/call') + two.count('tools/call')
    const { message } = await call('search')
    expect(message.error.code).toBe(-32602)
    expect(JSON.stringify(message.error)).toContain('tool_ambiguous')
    expect(message.error.message).toContain('one__search')
    expect(message.error.message).toContain('two__search')
    expect(one.count('tools/call') + two.count('tools/call')).toBe(before)
  })

  promise('R72', 'a bare name that one alone owns is refused too, so that a later server cannot take it over', async () => {
    const { message } = await call('only_one')
    expect(message.error.message).toContain('one__only_one')
  })

  promise('R72', 'one server may claim bare names by configuration; two claimants are a configuration error', async () => {
    const claimed = await startUnderTest({
      servers: { one: { url: one.url, era: 'legacy' }, two: { url: two.url, era: 'legacy', bareNames: true } },
    })
    const answer = await modern(claimed.base, 'tools/call', { name: 'search', arguments: {} })
    await claimed.stop()
    expect(answer.message.result.content[0].text).toBe('two')
    const settings = settingsSchema.parse({
      servers: { one: { url: one.url, bareNames: true }, two: { url: two.url, bareNames: true } },
      toolsets: { one: { include: ['two'] } },
    })
    const findings = checkSettings(settings, () => true).filter((finding) => finding.severity === 'error')
    expect(findings.map((finding) => finding.path.join('.'))).toEqual(['toolsets.one', 'servers.two.bareNames'])
  })

  promise('R72', 'a resource URI belongs to the first server in the file; the loser is shown and is read at its own mount', async () => {
    const text = async (mount: string): Promise<string> =>
      (await modern(gateway.base, 'resources/read', { uri: note.uri }, { mount })).message.result.contents[0].text
    expect(await text('')).toContain(`port ${one.port}`)
    expect(await text('/two')).toContain(`port ${two.port}`)
    const loser = (await upstreamsOf(gateway.admin)).find((upstream) => upstream.name === 'two')
    expect(JSON.stringify(loser?.collisions)).toContain(note.uri)
  })
})
