// A server with several endpoints loses one of them: no caller sees it.
import { expect, onTestFinished, test } from 'vitest'
import { startUnderTest } from '../../test/peers/gateway.ts'
import { modern } from '../../test/peers/raw.ts'
import { plainTool, startScripted } from '../../test/peers/scripted.ts'

test('calls that an endpoint refused are made at another', async () => {
  const tools = [plainTool('write')]
  const [mortal, alive] = [await startScripted({ era: 'modern', tools }), await startScripted({ era: 'modern', tools })]
  onTestFinished(() => alive.close())
  const gateway = await startUnderTest({ servers: { up: { endpoints: [mortal.url, alive.url] } } })
  onTestFinished(() => gateway.stop())
  const write = async () => (await modern(gateway.base, 'tools/call', { name: 'up__write', arguments: {} })).message.result.content[0].text
  for (let n = 0; n < 4; n += 1) expect(await write()).toBe('write was called')
  expect(mortal.count('tools/call')).toBeGreaterThan(0)
  await mortal.close()
  const before = alive.count('tools/call')
  for (let n = 0; n < 8; n += 1) expect(await write()).toBe('write was called')
  expect(alive.count('tools/call')).toBe(before + 8)
})
