import { describe, expect, it } from 'vitest'
import { aCall, anExchange, done } from '../../../test/doubles/gateway/samples.ts'
import type { TargetedCall } from './call.ts'
import { type Link, type Pass, type Step, Table, type Wrap } from './stage.ts'

const plain = (name: string): Pass => ({ name, run: (call, exchange, next) => next(call, exchange) })
const target: Step<ReturnType<typeof aCall>, TargetedCall> = {
  name: 'target',
  run: (call, exchange, next) => next({ ...call, upstream: 'up' }, exchange),
}
const retry: Pass = {
  name: 'retry',
  repeats: true,
  run: async (call, exchange, next) => {
    await next(call, exchange.attempt(1))
    return next(call, exchange.attempt(2))
  },
}

function table(seen: string[] = []) {
  const terminal = async (call: TargetedCall) => {
    seen.push(`end ${call.upstream}`)
    return done()
  }
  return Table.begin()
    .pass(['invoke', 'list'], plain('first'), 'sees all')
    .step(['invoke'], target, 'from here the upstream is known')
    .pass(['invoke'], retry, 'repeats')
    .pass(['invoke'], plain('inner'), 'once an attempt')
    .end(['invoke'], 'connection', terminal, 'answers')
    .end(['list'], 'query', async () => done(), 'answers')
}

describe('a table of stages', () => {
  it('gives each family its chain, in the order of registration', async () => {
    const seen: string[] = []
    const made = table(seen)
    expect(made.order('invoke')).toEqual(['first', 'target', 'retry', 'inner', 'connection'])
    expect(made.order('list')).toEqual(['first', 'query'])
    expect(made.registrations[0]).toMatchObject({ name: 'first', families: ['invoke', 'list'], reason: 'sees all', terminal: false })
    await made.chains().invoke(aCall(), anExchange().exchange)
    expect(seen).toEqual(['end up', 'end up'])
  })

  it('turns a throw of a stage into a rejection for the one before it', async () => {
    const broken: Pass = {
      name: 'broken',
      run: () => {
        throw new Error('a bug')
      },
    }
    const chain = Table.begin()
      .pass(['invoke'], plain('first'), '')
      .pass(['invoke'], broken, '')
      .end(['invoke'], 'end', async () => done(), '')
    await expect(chain.chains().invoke(aCall(), anExchange().exchange)).rejects.toThrow('a bug')
  })

  it('refuses a chain that goes on behind its end, or has none', () => {
    expect(() => Table.begin().pass(['invoke'], plain('a'), '').chains()).toThrow(/end/)
    const behind = Table.begin()
      .end(['invoke'], 'end', async () => done(), '')
      .pass(['invoke'], plain('late'), '')
    expect(() => behind.chains()).toThrow(/end/)
  })
})

describe('what is put round the stages', () => {
  it('is put round every link when the chains are made, and sees each attempt with its number', async () => {
    const links: Link[] = []
    const passed: string[] = []
    const wrap: Wrap = (run, link) => {
      links.push(link)
      return async (call, exchange, next) => {
        passed.push(`${link.name} ${exchange.attemptNumber}`)
        return run(call, exchange, next)
      }
    }
    const { invoke } = table().chains(wrap)
    expect(links.filter(({ family }) => family === 'invoke').map(({ name, attempt }) => [name, attempt])).toEqual([
      ['connection', false],
      ['inner', true],
      ['retry', false],
      ['target', false],
      ['first', false],
    ])
    await invoke(aCall(), anExchange().exchange)
    expect(passed).toEqual(['first 0', 'target 0', 'retry 0', 'inner 1', 'connection 1', 'inner 2', 'connection 2'])
  })
})
