import { expect, it } from 'vitest'
import { aCall, anExchange, anItem } from '../../../test/doubles/gateway/samples.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { routed } from '../../core/call/call.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { Run } from '../../core/call/run.ts'
import { deadlineMeta } from '../../core/protocol/names.ts'
import { Envelope, legacyParams } from './envelope.ts'

const { exchange } = anExchange()
const envelope = new Envelope({ name: 'signalbox', version: '1' })

/** What servers of both eras get in `_meta`, where the client said this; doors take its baggage out, and keep what may go on. */
function told(run: Run, { baggage, ...meta }: Record<string, unknown> = {}) {
  const params = payloadOf({ name: 'weather', ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }) })
  const { trace } = aCall()
  const call = routed(aCall({ params, run, trace: { ...trace, baggage: typeof baggage === 'string' ? baggage : undefined } }), anItem())
  return [envelope.of(call, undefined, exchange), legacyParams(call, undefined, exchange)].map((made) => {
    const { _meta } = JSON.parse(Buffer.from(made.bytes).toString())
    return Object.fromEntries(
      Object.entries(_meta as object).filter(
        ([key]) => !key.startsWith('io.modelcontextprotocol/') && key !== deadlineMeta && key !== 'traceparent',
      ),
    )
  })
}

it.each([
  ['a client that says nothing', aRun(), undefined, { 'signalbox.dev/run': 'run-1', baggage: 'run.id=run-1' }],
  [
    'a client that says all',
    aRun({ id: 'm', turn: 't 1', why: 'w' }),
    { 'signalbox.dev/run': 'm', 'signalbox.dev/turn': 't 1', 'signalbox.dev/why': 'w', baggage: 'a=1', mine: 1 },
    {
      'signalbox.dev/run': 'm',
      'signalbox.dev/turn': 't 1',
      'signalbox.dev/why': 'w',
      baggage: 'a=1,run.id=m,turn.id=t%201',
      mine: 1,
    },
  ],
  [
    'a client that states another run than its token',
    aRun({ id: 'c', source: 'claim' }),
    { 'signalbox.dev/run': 'm', baggage: 'run.id=b,a=1,run.id=d' },
    { 'signalbox.dev/run': 'c', baggage: 'a=1,run.id=c' },
  ],
  [
    'a client whose words are malformed',
    aRun({ id: 's', source: 'session' }),
    { 'signalbox.dev/run': 7, 'signalbox.dev/turn': '\n', baggage: ['run.id=b'] },
    { 'signalbox.dev/run': 's', baggage: 'run.id=s' },
  ],
  [
    'a turn that is malformed in baggage',
    aRun({ id: 's' }),
    { baggage: 'turn.id=%0a,a=1' },
    { 'signalbox.dev/run': 's', baggage: 'a=1,run.id=s' },
  ],
])('servers hear of the run of %s, once and the same in both places', (_what, run, said, expected) => {
  expect(told(run, said)).toEqual([expected, expected])
})
