import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/doubles/cpu-time.ts'
import { idOfBroken, type LineContent, readLine } from './stdout-parser.ts'

const answer = (id: number): string => `{"result":{"ok":true},"jsonrpc":"2.0","id":${id}}`
const read = (line: string): LineContent => readLine(Buffer.from(line))

function ids(line: string): (string | undefined)[] {
  return read(line).messages.map((message) => ('id' in message ? message.id : undefined))
}

describe('a clean line', () => {
  it('is one message', () => {
    expect(read(answer(1)).anomaly).toBeUndefined()
    expect(ids(`  ${answer(1)} `)).toEqual(['1'])
  })

  it('also behind a byte order mark, whose broken form still names its request', () => {
    expect(read(`\ufeff${answer(1)}`)).toMatchObject({ messages: [{ id: '1' }], anomaly: undefined })
    expect(idOfBroken(Buffer.from(`\ufeff{"jsonrpc":"2.0","id":7,"result":{`))).toBe(7)
  })

  it('or a batch, each part of it a message', () => {
    expect(ids(`[${answer(1)}, ${answer(2)}]`)).toEqual(['1', '2'])
    expect(read(`[${answer(1)}, ${answer(2)}]`).anomaly).toBeUndefined()
  })

  it('of which the bad parts are told and the good ones kept', () => {
    expect(ids(`[${answer(1)},7,{"a":1},${answer(2)}]`)).toEqual(['1', '2'])
    expect(read(`[${answer(1)},7]`).anomaly?.type).toBe('malformed')
    expect(read('[]').anomaly?.type).toBe('malformed')
  })
})

describe('noise', () => {
  it.each(['Server running on stdio', '[info] listening', '{"level":"info","msg":"up"}', 'jsonrpc', '}}}', '{', '"', '[1,2', 'null'])(
    '%s holds no message',
    (line) => {
      expect(read(line).messages).toEqual([])
      expect(read(line).anomaly?.type).toMatch(/stdout|malformed/)
    },
  )

  it('before a message is cut off', () => {
    expect(ids(`Starting {"port":1} [x] ${answer(1)}`)).toEqual(['1'])
    expect(ids(`{"level":"info"}${answer(1)}`)).toEqual(['1'])
    expect(read(`noise${answer(1)}`).anomaly?.type).toBe('glued')
  })

  it('behind a message too', () => {
    expect(ids(`${answer(1)}done.`)).toEqual(['1'])
    expect(ids(`${answer(1)}{"level":"info"}`)).toEqual(['1'])
  })

  it('and two messages on one line are two', () => {
    expect(ids(answer(1) + answer(2))).toEqual(['1', '2'])
    expect(ids(`noise ${answer(1)} ${answer(2)}`)).toEqual(['1', '2'])
  })

  it('a message that another thread broke into is lost, the other one is not', () => {
    expect(ids(`{"result":{"ok":tr${answer(2)}`)).toEqual(['2'])
  })
})

describe('data of a broken answer never becomes an answer', () => {
  it('an object within it is left alone', () => {
    const broken = `{"result":{"x":NaN,"y":${answer(2)}},"jsonrpc":"2.0","id":1}`
    expect(read(broken).messages).toEqual([])
    expect(read(broken).anomaly?.type).toBe('malformed')
    expect(read(`got {"body":${answer(2)}}`).messages).toEqual([])
    expect(read(`{"level":"debug","sent":${answer(2)}}`).messages).toEqual([])
  })
})

describe('a broken answer still names its request', () => {
  const bad = (line: string): number | 'unknown' | undefined => idOfBroken(Buffer.from(line, 'latin1'))

  it('where the id stands at either end', () => {
    expect(bad('{"jsonrpc":"2.0","id":5,"result":{"x":NaN}}')).toBe(5)
    expect(bad('{"result":{"x":"\xff"},"jsonrpc":"2.0","id":6}')).toBe(6)
    expect(bad('{"id":7,"jsonrpc":"2.0","result":{')).toBe(7)
  })

  it('but not where it may belong to something within', () => {
    expect(bad('{"result":{"x":NaN,"y":{"jsonrpc":"2.0","id":6}}}')).toBe('unknown')
  })

  it('and a broken notification is no answer', () => {
    expect(bad('{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":NaN}}')).toBeUndefined()
    expect(bad('{"level":"info" "x"}')).toBeUndefined()
  })
})

describe('a hostile line costs a few passes', () => {
  it.each([
    ['openings', '{"a":'.repeat(200_000)],
    ['arrays', '{"a":[1,'.repeat(150_000)],
    ['strings', '{"'.repeat(500_000)],
    ['braces', '{'.repeat(1_000_000)],
    ['small objects', '{"a":1}x'.repeat(120_000)],
  ])('%s', (_, line) => {
    const started = cpuMs()
    expect(read(`${line}"jsonrpc"`).messages).toEqual([])
    expect(cpuMs() - started).toBeLessThan(1_500)
  })
})
