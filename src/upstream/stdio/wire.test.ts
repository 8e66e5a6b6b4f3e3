import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { closeAll, faultOf, openCommand, openScript, resultOf, serverEntry, until } from '../../../test/doubles/upstream/children.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'

afterEach(closeAll)

const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }

describe('real servers are served', () => {
  it('server-everything: handshake, call, and its own notifications', async () => {
    const { ask, wire, strays } = await openCommand(process.execPath, [serverEntry('@modelcontextprotocol/server-everything'), 'stdio'])
    expect(resultOf(await ask('initialize', initialize))).toMatchObject({ protocolVersion: '2025-11-25' })
    expect(await wire.post(notificationBytes('notifications/initialized', undefined), {})).toBeUndefined()
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 }, _meta: { progressToken: 'p' } }
    const [echo, slow] = await Promise.all([
      ask('tools/call', { name: 'echo', arguments: { message: 'héllo' } }),
      ask('tools/call', params),
    ])
    expect(resultOf(echo)).toMatchObject({ content: [{ text: 'Echo: héllo' }] })
    expect(resultOf(slow)).toHaveProperty('content')
    expect(strays.filter((stray) => stray.method === 'notifications/progress')).toHaveLength(2)
  })

  it('server-filesystem: a result of 4 MiB comes whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-'))
    await writeFile(join(folder, 'big.txt'), 'x'.repeat(4 * 1024 * 1024))
    const entry = serverEntry('@modelcontextprotocol/server-filesystem')
    const { ask, wire } = await openCommand(process.execPath, [entry, folder], { cwd: folder })
    await ask('initialize', initialize)
    await wire.post(notificationBytes('notifications/initialized', undefined), {})
    const params = { name: 'read_text_file', arguments: { path: join(folder, 'big.txt') } }
    const answer = resultOf(await ask('tools/call', params, undefined, 64 * 1024 * 1024)) as { content: { text: string }[] }
    expect(answer.content[0]?.text.length).toBe(4 * 1024 * 1024)
    await rm(folder, { recursive: true })
  })

  it('and see nothing of our environment but the allow-list', async () => {
    process.env.SIGNALBOX_CANARY = 'canary-value'
    const { ask } = await openScript('on(({ id }) => answer(id, process.env))', { env: { GIVEN: 'yes' } })
    delete process.env.SIGNALBOX_CANARY
    const seen = resultOf(await ask('env')) as Record<string, string>
    expect(seen).toMatchObject({ GIVEN: 'yes', PATH: process.env.PATH })
    expect(JSON.stringify(seen)).not.toContain('canary')
  })
})

describe('noise on stdout is survived and told', () => {
  it('before and between messages', async () => {
    const { ask, anomalies } = await openScript(
      `say('Listening on 3000\\n\\n[info] up\\n'); on(({ id }) => { say('got one\\n'); answer(id) })`,
    )
    expect(resultOf(await ask('a'))).toEqual({})
    expect(resultOf(await ask('b'))).toEqual({})
    expect(anomalies.map(([type]) => type)).toEqual(['stdout', 'stdout', 'stdout', 'stdout'])
    expect(anomalies[0]?.[1]).toContain('Listening on 3000')
  })

  it('glued before and behind a message', async () => {
    const { ask, anomalies } = await openScript(`on(({ id }) => say(id === 1 ? 'noise ' + line(id) : line(id).trim() + ' noise\\n'))`)
    expect(resultOf(await ask('a'))).toEqual({})
    expect(resultOf(await ask('b'))).toEqual({})
    expect(anomalies.map(([type]) => type)).toEqual(['glued', 'glued'])
  })

  it('a server that logs what it reads is not taken for one that asks', async () => {
    const { ask, strays } = await openScript(`on((m) => { say('<- ' + JSON.stringify(m) + '\\n'); answer(m.id) })`)
    expect(resultOf(await ask('tools/list'))).toEqual({})
    expect(strays).toEqual([])
  })

  it('a batch is as many messages', async () => {
    const { ask, strays } = await openScript(`
      const all = []
      on(({ id }) => { if (all.push({ jsonrpc: '2.0', id, result: { id } }) === 2) say(JSON.stringify([...all, { jsonrpc: '2.0', method: 'n' }]) + '\\n') })`)
    const answers = await Promise.all([ask('a'), ask('b')])
    expect(answers.map(resultOf)).toEqual([{ id: 1 }, { id: 2 }])
    expect(strays).toMatchObject([{ kind: 'notification', method: 'n' }])
  })
})

describe('an answer goes to its own request only', () => {
  it('answers in another order, and second answers are counted', async () => {
    const { ask, anomalies } = await openScript(`
      const ids = []
      on(({ id }) => { if (ids.push(id) === 3) for (const i of [2, 1, 2, 3]) answer(i, { i }) })`)
    const answers = await Promise.all([ask('a'), ask('b'), ask('c')])
    expect(answers.map(resultOf)).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }])
    expect(anomalies).toEqual([['duplicate', 'a second answer with the id 2']])
  })

  it('an unknown id fails the only request in flight at once', async () => {
    const { ask, anomalies } = await openScript('on(() => answer(4711))')
    expect(faultOf(await ask('a'))).toMatchObject({ kind: 'upstream_protocol_error', message: expect.stringContaining('unknown id 4711') })
    expect(anomalies.map(([type]) => type)).toEqual(['orphan'])
  })

  it('but never one of several', async () => {
    const { ask, anomalies } = await openScript('on(({ id }) => { if (id === 2) { answer(4711); answer(1); answer(2) } })')
    expect((await Promise.all([ask('a'), ask('b')])).map(resultOf)).toEqual([{}, {}])
    expect(anomalies.map(([type]) => type)).toEqual(['orphan'])
  })

  it('the id as a string answers the request that it spells, and is counted', async () => {
    const { ask, anomalies } = await openScript(`on(({ id }) => { if (id === 2) { answer('1', { i: 1 }); answer(2, { i: 2 }) } })`)
    expect((await Promise.all([ask('a'), ask('b')])).map(resultOf)).toEqual([{ i: 1 }, { i: 2 }])
    expect(anomalies).toEqual([['id_type', 'an answer with the id "1" in place of 1']])
  })

  it('an error without an id fails the only request, unless it may complain of a notification', async () => {
    const complain = `const bad = () => say('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}\\n')`
    const first = await openScript(`${complain}; on(bad)`)
    expect(faultOf(await first.ask('a')).message).toContain('error -32700: what?')
    const second = await openScript(`${complain}; on(({ id }) => { if (id === undefined) bad(); else answer(id) })`)
    await second.wire.post(notificationBytes('notifications/x', undefined), {})
    expect(resultOf(await second.ask('a'))).toEqual({})
    expect(second.anomalies.map(([type]) => type)).toEqual(['orphan'])
  })

  it('broken bytes fail the request that they answer, not another', async () => {
    const { ask, anomalies } = await openScript(`
      on(({ id }) => { if (id === 2) { process.stdout.write('{"jsonrpc":"2.0","id":1,"result":{"x":"\\\\q"}}\\n'); answer(2) } })`)
    const [first, second] = await Promise.all([ask('a'), ask('b')])
    expect(faultOf(first)).toMatchObject({ kind: 'upstream_protocol_error', message: expect.stringContaining('escape') })
    expect(resultOf(second)).toEqual({})
    expect(anomalies.map(([type]) => type)).toEqual(['malformed'])
  })

  it('a cancelled request resolves at once and its late answer is no anomaly', async () => {
    const { ask, anomalies } = await openScript(
      'let first; on(({ id }) => { if (id === 1) first = id; else { answer(first); answer(id) } })',
    )
    const stop = new AbortController()
    const cancelled = ask('a', undefined, stop.signal)
    stop.abort()
    expect((await cancelled).kind).toBe('aborted')
    expect((await ask('a', undefined, stop.signal)).kind).toBe('aborted')
    expect(resultOf(await ask('b'))).toEqual({})
    expect(anomalies).toEqual([])
  })
})

describe('line ends within a message never cut it', () => {
  it('pretty-printed JSON arrives as one line', async () => {
    const { wire } = await openScript('on(({ id, params }) => answer(id, params))')
    const id = wire.nextId()
    const message = Buffer.from(`{\r\n "jsonrpc": "2.0",\n "id": ${id},\r "method": "a",\n "params": {\n"x": "a\\nb"}\n}`)
    const signal = new AbortController().signal
    const answer = await wire.request({ id, method: 'a', message, headers: {}, signal, onMessage: () => undefined, maxBytes: 1_000 })
    expect(resultOf(answer)).toEqual({ x: 'a\nb' })
  })
})

describe('size', () => {
  it('a result over the cap of its request fails this one alone', async () => {
    const { ask, ends } = await openScript(`on(({ id, method }) => answer(id, { x: 'x'.repeat(method === 'big' ? 2000000 : 1) }))`)
    const [big, small] = await Promise.all([ask('big', undefined, undefined, 1_000_000), ask('small')])
    expect(faultOf(big)).toMatchObject({ kind: 'result_too_large', detail: { limit: 1_000_000 } })
    expect(resultOf(small)).toEqual({ x: 'x' })
    expect(ends).toEqual([])
  })

  it('8 MiB in one line come through without a pause of the loop', async () => {
    const { ask } = await openScript(`on(({ id }) => answer(id, { x: 'x'.repeat(8 << 20) }))`)
    const answer = await ask('a', undefined, undefined, 16 << 20)
    expect(answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.facts.bytes).toBeGreaterThan(8 << 20)
  })

  it('a line over the cap is the answer to the call, and not to the ping that looks whether the child is well', async () => {
    const { ask } = await openScript(`on(({ method }) => method === 'a' && say('x'.repeat(300000)))`, { maxMessageBytes: 100_000 })
    const [call, ping] = await Promise.all([ask('a'), ask('ping')])
    expect(faultOf(call)).toMatchObject({ kind: 'result_too_large' })
    expect(faultOf(ping)).toMatchObject({ kind: 'outcome_unknown' })
  })

  it('a line over the cap that names its request is the answer to that, whatever else is asked', async () => {
    const script = `let first
      on(({ id, method }) => method === 'a' ? first = id : say(JSON.stringify({ jsonrpc: '2.0', id: first, result: 'x'.repeat(300000) })))`
    const { ask } = await openScript(script, { maxMessageBytes: 100_000 })
    const [call, other] = await Promise.all([ask('a'), ask('b')])
    expect(faultOf(call)).toMatchObject({ kind: 'result_too_large' })
    expect(faultOf(other)).toMatchObject({ kind: 'outcome_unknown' })
  })

  it('a line over the cap of the wire ends the child, and that is said', async () => {
    const { ask, ended, anomalies, wire } = await openScript(`on(() => say('x'.repeat(300000)))`, { maxMessageBytes: 100_000 })
    expect(faultOf(await ask('a'))).toMatchObject({ kind: 'result_too_large', detail: { limit: 100_000 } })
    expect((await ended).message).toContain('larger than 100000 bytes')
    expect(anomalies.map(([type]) => type)).toEqual(['oversize'])
    expect(await ask('b')).toMatchObject({
      kind: 'lost',
      fault: { kind: 'upstream_unavailable', evidence: { name: 'connection_ended', execution: 'not_sent' } },
    })
    await wire.close()
  })

  it('a child that does not read is not queued for without end', async () => {
    const { ask, refused } = await openScript('setInterval(() => {}, 1000)', { maxQueueBytes: 500_000 })
    const payload = { x: 'x'.repeat(200_000) }
    const answers: Promise<unknown>[] = []
    const stop = new AbortController()
    for (let i = 0; i < 8; i += 1) answers.push(ask('a', payload, stop.signal))
    const last = await ask('a', payload, stop.signal)
    expect(last).toMatchObject({ kind: 'lost', fault: { kind: 'overloaded', retryAfterMs: 1_000, evidence: { execution: 'not_sent' } } })
    expect(refused()).toBeGreaterThan(0)
    stop.abort()
    await Promise.all(answers)
  })
})

describe('the end of a child ends its requests at once', () => {
  it('with its exit code and its last words', async () => {
    const { ask, ended, wire, ends } = await openScript(`on(() => { console.error('disk is full'); process.exit(3) })`)
    const answer = await ask('tools/call')
    expect(answer).toMatchObject({ kind: 'lost', fault: { kind: 'outcome_unknown', evidence: { execution: 'unknown' } } })
    expect(faultOf(answer).detail).toMatchObject({ exitCode: 3, signal: null, stderr: 'disk is full' })
    expect((await ended).message).toContain('its process ended with exit code 3; its last words: disk is full')
    expect(wire.lastWords()).toBe('disk is full')
    await wire.close()
    expect(ends).toHaveLength(1)
  })

  it('with its signal', async () => {
    const { ask, ended, wire } = await openScript('on(() => {})')
    const answer = ask('a')
    process.kill(wire.pid, 'SIGKILL')
    expect(faultOf(await answer).detail).toMatchObject({ signal: 'SIGKILL', reason: 'its process was ended by SIGKILL' })
    expect((await ended).detail).toMatchObject({ signal: 'SIGKILL' })
  })

  it('but an answer that it wrote before is delivered, also without a line end', async () => {
    const { ask } = await openScript(
      `on(({ id }) => { if (id === 2) { say(line(1) + line(2).trim()); process.exitCode = 1; process.stdin.destroy() } })`,
    )
    expect((await Promise.all([ask('a'), ask('b')])).map(resultOf)).toEqual([{}, {}])
  })

  it('and half of one is told', async () => {
    const { ask, anomalies, ended } = await openScript(`on(({ id }) => { say(line(id).slice(0, 12)); process.stdin.destroy() })`)
    expect((await ask('a')).kind).toBe('lost')
    await ended
    expect(anomalies).toEqual([['malformed', expect.stringContaining('ended within a line')]])
  })

  it('closing stdout alone is an end too', async () => {
    const { ask, ended } = await openScript(`on(() => require('fs').closeSync(1)); setInterval(() => {}, 1000)`)
    expect(faultOf(await ask('a')).detail.reason).toBe('its process closed its standard output')
    await ended
  })

  it('as is closing stdin, which shows at the next message', async () => {
    const { ask, anomalies } = await openScript(`require('fs').closeSync(0); say('closed\\n'); setInterval(() => {}, 1000)`)
    await until(() => anomalies.length > 0)
    expect(faultOf(await ask('a')).detail.reason).toBe('its process closed its standard input')
    expect(await ask('b')).toMatchObject({ kind: 'lost', fault: { evidence: { execution: 'not_sent' } } })
  })

  it('what was given in confidence is masked in the last words', async () => {
    const { ask } = await openScript(`on(() => { console.error('bad key ' + process.env.API_KEY); process.exit(1) })`, {
      env: { API_KEY: 'hunter2-canary' },
    })
    const text = JSON.stringify(faultOf(await ask('a')))
    expect(text).toContain('bad key [masked]')
    expect(text).not.toContain('canary')
  })

  it('a flood on stderr stops nothing, and its tail is kept', async () => {
    const { ask, wire } = await openScript(`
      on(({ id }) => { for (let i = 0; i < 320; i += 1) require('fs').writeSync(2, 'x'.repeat(65535) + '\\n'); console.error('the end'); answer(id) })`)
    expect(resultOf(await ask('a'))).toEqual({})
    // Two pipes have no order between them.
    await until(() => wire.lastWords().endsWith('the end'))
    expect(wire.lastWords()).toMatch(/^….*the end$/s)
    expect(wire.lastWords().length).toBeLessThan(2_100)
  })

  it('close resolves what waits as aborted and reports no end', async () => {
    const { ask, wire, ends } = await openScript('on(() => {})')
    const answer = ask('a')
    await wire.close()
    expect((await answer).kind).toBe('aborted')
    expect((await ask('b')).kind).toBe('lost')
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_unavailable' })
    expect(ends).toEqual([])
  })
})
