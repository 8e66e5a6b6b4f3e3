// Drives a server as a client of the TypeScript SDKs does. Argument: a plan as JSON (`flavour`: sdk1 or sdk2). Prints one line of JSON a
// feature: {feature, result: 'yes' | 'no' | 'none', detail}.
import { createInterface } from 'node:readline'
import { connect } from './connect.mjs'

const plan = JSON.parse(process.argv[2])
const wait = plan.waitMs ?? 4_000
const note = 'compat://note'
const say = (feature, result, detail = '') => process.stdout.write(`${JSON.stringify({ feature, result, detail: detail.slice(0, 300) })}\n`)

class Absent extends Error {}

const text = (result) => result.content.map((block) => block.text ?? block.type).join(' ')
const expect = (found, wanted) => (found.includes(wanted) ? undefined : `got ${JSON.stringify(found)}`)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(holds) {
  for (const end = performance.now() + wait; performance.now() < end; await pause(50)) if (await holds()) return true
  return holds()
}

const questions = {
  elicitation: ['asks_user', 'elicited: accept Ada'],
  sampling: ['asks_model', 'sampled: something'],
  roots: ['asks_roots', 'file:///compat'],
  'elicitation, any era': ['needs_user', 'elicited: accept Ada'],
  'sampling, any era': ['needs_model', 'sampled: something'],
  'roots, any era': ['needs_roots', 'file:///compat'],
}

const features = {
  ping: async ({ ping }) => void (await ping()),
  tools: async ({ call }) => expect(text(await call('echo', { text: 'hello' })), 'echo: hello'),
  structured: async ({ call, needs }) =>
    needs('structured') ?? expect(JSON.stringify((await call('structured', { a: 1 })).structuredContent) ?? '', '{"sum":2}'),
  image: async ({ call, needs }) => {
    needs('image')
    const [block] = (await call('image')).content
    return expect(`${block.type} ${block.mimeType}`, 'image image/png')
  },
  'tool error': async ({ call, needs }) => {
    needs('fails')
    const result = await call('fails')
    return result.isError === true ? expect(text(result), 'it failed') : `no error: ${text(result)}`
  },
  'unknown tool': async ({ call }) => {
    const result = await call('nowhere').catch(() => ({ isError: true }))
    return result.isError === true ? undefined : 'no error'
  },
  progress: async ({ call, needs }) => {
    needs('progress')
    const steps = []
    await call('progress', {}, { onprogress: ({ progress }) => steps.push(progress) })
    await until(() => steps.length >= 3)
    return expect(`${steps}`, '1,2,3')
  },
  logs: async ({ call, level, heard, needs }) => {
    needs('logs')
    await level().catch(() => undefined)
    await call('logs')
    return (await until(() => heard.logs.some((line) => line.includes('hello from logs'))))
      ? undefined
      : `got ${JSON.stringify(heard.logs)}`
  },
  ...Object.fromEntries(
    Object.entries(questions).map(([feature, [tool, wanted]]) => [
      feature,
      async ({ call, needs }) => needs(tool) ?? expect(text(await call(tool)), wanted),
    ]),
  ),
  resources: async ({ resources, read }) => {
    const uris = (await resources()).map(({ uri }) => uri)
    if (uris.length === 0) throw new Absent('no resources')
    return expect(`${uris}`, note) ?? expect(`${(await read(note))[0]?.text}`, 'a note')
  },
  templates: async ({ templates, read }) => {
    const found = (await templates()).map(({ uriTemplate }) => uriTemplate)
    if (found.length === 0) throw new Absent('no templates')
    return expect(`${found}`, 'compat://item/{id}') ?? expect(`${(await read('compat://item/7'))[0]?.text}`, 'item 7')
  },
  subscriptions: async ({ subscribe, call, heard, needs }) => {
    needs('touch')
    if (!(await subscribe(note))) throw new Absent('the server takes no subscription of it')
    await call('touch')
    return (await until(() => heard.updated.length > 0)) ? undefined : 'no notification'
  },
  prompts: async ({ prompts, prompt }) => {
    if ((await prompts()).length === 0) throw new Absent('no prompts')
    return expect(JSON.stringify(await prompt('greet', { name: 'Ada' })), 'Hello, Ada')
  },
  completion: async ({ complete }) => expect(`${await complete('name', 'A')}`, 'Ada,Alan'),
  'list change': async ({ call, tools, watchTools, heard, needs }) => {
    needs('grow')
    await watchTools()
    const before = heard.changed
    await call('grow')
    const told = await until(() => heard.changed > before)
    const listed = await until(async () => (await tools()).some(({ name }) => name === 'grown'))
    if (listed) return told ? undefined : 'listed, but no notification'
    return told ? 'not listed' : 'not listed, and no notification'
  },
  cancellation: async ({ call, needs }) => {
    needs('wait')
    const stop = new AbortController()
    const call_ = call('wait', {}, { signal: stop.signal }).catch(() => undefined)
    await pause(500)
    stop.abort('enough')
    await Promise.race([call_, pause(wait)])
    let counted = ''
    const seen = await until(async () => {
      counted = text(await call('cancellations'))
      return counted.includes('cancelled: 1')
    })
    return seen ? undefined : `got ${JSON.stringify(counted)}`
  },
}

async function attempt(client, feature) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), wait * 2.5)
  })
  try {
    const wrong = await Promise.race([features[feature](client), late])
    say(feature, wrong === undefined ? 'yes' : 'no', wrong)
  } catch (error) {
    if (error instanceof Absent) say(feature, 'none', error.message)
    else say(feature, 'no', `${error.name}: ${error.message}`)
  } finally {
    clearTimeout(timer)
  }
}

setTimeout(() => {
  say('connect', 'no', 'no connection in time')
  process.exit(1)
}, plan.connectMs ?? 20_000).unref()

try {
  const { client, revision } = await connect(plan)
  const listed = new Set((await client.tools()).map(({ name }) => name))
  client.needs = (name) => {
    if (!listed.has(name)) throw new Absent(`no tool ${name}`)
  }
  say('connect', 'yes', revision)
  for (const feature of plan.features) {
    if (feature === 'restart') {
      await client.call('echo', { text: 'before' })
      process.stdout.write('{"waiting":true}\n')
      await new Promise((resolve) => createInterface(process.stdin).once('line', resolve))
      await attempt(client, 'tools')
    } else await attempt(client, feature)
  }
  process.stdout.write('{"done":true}\n')
  process.exit(0)
} catch (error) {
  say('connect', 'no', `${error.name}: ${error.message}`)
  process.exit(1)
}
