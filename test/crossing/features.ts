// The features of the matrix, each with the check that says whether it crosses for one client and one server.
import { createHash, randomUUID } from 'node:crypto'
import type { Answers, ClientKind, Progress, Result, TestClient, Where } from '../peers/clients.ts'
import type { Ask, Offer, ServerKind } from './servers.ts'
import { isModern } from './servers.ts'
import { runTask } from './tasks.ts'
import { absent, check, crosses, errorOf, refused, until, type Verdict } from './verdict.ts'

/** One client in front of one server. */
export interface Cell {
  readonly clientKind: ClientKind
  readonly serverKind: ServerKind
  readonly where: Where
  readonly client: TestClient
  /** A client of the same kind that can answer nothing; over stdio one for all servers. */
  readonly bare: Pick<TestClient, 'call'>
  readonly offer: Offer
  /** How the client answers its next elicitations. */
  readonly mood: { elicit: 'accept' | 'decline' | 'cancel' }
  /** What came in beneath the SDK. */
  wire(): string
  /** What the client sent. */
  sent(): string
}

export interface Feature {
  readonly id: string
  readonly title: string
  /** Starts early and is read at the end: it takes seconds. */
  readonly long?: boolean
  readonly run: (cell: Cell) => Promise<Verdict>
}

/** A client that answers everything, by its mood. */
export function answersBy(mood: Cell['mood']): Answers {
  return {
    elicit: (params) =>
      mood.elicit !== 'accept' || params.mode === 'url'
        ? { action: mood.elicit }
        : { action: 'accept', content: contentFor(params.requestedSchema as { properties?: Record<string, { type?: string }> }) },
    sample: () => ({ role: 'assistant', model: 'test-model', content: { type: 'text', text: 'sampled answer' } }),
    roots: () => [{ uri: 'file:///project', name: 'project' }],
  }
}

function contentFor({ properties = {} }: { properties?: Record<string, { type?: string }> }): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => ['name', 'check', 'color', 'ok', 'response'].includes(name))
      .map(([name, { type }]) => [name, type === 'boolean' ? true : name === 'color' ? 'green' : 'Ada']),
  )
}

const lacks = absent('the server has no such tool')
const textOf = (result: Result): string => JSON.stringify(result)

/** A feature that one tool shows: `holds` looks at its result. */
function byTool(
  id: string,
  title: string,
  pick: (offer: Offer) => Ask | undefined,
  holds: (result: Result, cell: Cell) => boolean,
): Feature {
  return {
    id,
    title,
    run: async (cell) => {
      const ask = pick(cell.offer)
      if (ask === undefined) return lacks
      const result = await cell.client.call(ask.tool, ask.args)
      check(result.isError !== true && holds(result, cell), result)
      return crosses()
    },
  }
}

const part = (type: string) => (result: Result) => result.content.some((one: { type: string }) => one.type === type)
const big = '9007199254740993'

export const features: readonly Feature[] = [
  {
    id: 'tools',
    title: 'Tools',
    run: async ({ client, offer }) => {
      const names = (await client.tools()).map((tool) => tool.name)
      check(names.includes(offer.simple.tool) && names.includes(offer.form.tool), names)
      check(part('text')(await client.call(offer.simple.tool, offer.simple.args)), 'no text')
      return crosses()
    },
  },
  {
    id: 'structured-object',
    title: 'Structured output, an object',
    run: async ({ client, offer }) => {
      const definition = (await client.tools()).find((tool) => tool.name === offer.structured.tool)
      check(definition?.outputSchema?.type === 'object', definition)
      const result = await client.call(offer.structured.tool, offer.structured.args)
      check(typeof result.structuredContent === 'object' && !Array.isArray(result.structuredContent), result)
      return crosses()
    },
  },
  {
    id: 'structured-other',
    title: 'Structured output, no object',
    run: async ({ client, offer }) => {
      if (offer.array === undefined) return absent('session revisions know objects only')
      const definition = (await client.tools()).find((tool) => tool.name === offer.array?.tool)
      const result = await client.call(offer.array.tool)
      if (client.modern) {
        check(definition?.outputSchema?.type === 'array' && textOf(result.structuredContent) === '[3,1,2]', { definition, result })
        return crosses()
      }
      check(definition?.outputSchema === undefined && result.structuredContent === undefined, { definition, result })
      check(
        result.content.some((one: { text?: string }) => one.text?.replace(/\s/g, '') === '[3,1,2]'),
        result,
      )
      return crosses('as text')
    },
  },
  byTool('image', 'Images', (offer) => offer.image, part('image')),
  byTool('audio', 'Audio', (offer) => offer.audio, part('audio')),
  byTool('embedded', 'Embedded resources', (offer) => offer.embedded, part('resource')),
  byTool('link', 'Resource links', (offer) => offer.link, part('resource_link')),
  byTool(
    'int64',
    'Integers of 64 bits, both ways',
    (offer) => offer.int64,
    (result, { wire }) =>
      textOf(result).includes(`seen ${big}`) && wire().replace(/\s/g, '').includes(`"structuredContent":{"big":${big}}`),
  ),
  {
    id: 'resources',
    title: 'Resources',
    run: async ({ client, offer }) => {
      const uris = (await client.resources()).map((resource) => resource.uri)
      check(uris.includes(offer.text), uris)
      check(typeof (await client.read(offer.text)).contents[0].text === 'string', 'no text')
      if (offer.binary !== undefined) check(typeof (await client.read(offer.binary)).contents[0].blob === 'string', 'no blob')
      return crosses()
    },
  },
  {
    id: 'templates',
    title: 'Resource templates',
    run: async ({ client, offer: { template } }) => {
      const patterns = (await client.templates()).map((one) => one.uriTemplate)
      check(patterns.includes(template.pattern), patterns)
      const { contents } = await client.read(template.uri)
      check(contents[0].uri === template.uri && contents[0].text.includes(template.holds), contents)
      return crosses()
    },
  },
  {
    id: 'skills',
    title: 'Skills, to the byte of each file',
    run: async ({ client, offer: { skill } }) => {
      if (skill === undefined) return absent('the server has no skills')
      const declared = client.capabilities().extensions?.['io.modelcontextprotocol/skills']
      check(declared?.directoryRead === true, declared)
      const listed = (await client.ask('skills/list', {})).skills as Result[]
      const entry = listed.find(({ uri }) => uri === skill.uri)
      check(entry !== undefined && listed.length === 2, listed)
      const got = (await client.ask('skills/get', { uri: skill.uri })).skill
      check(textOf(got) === textOf(entry) && got.frontmatter.license === 'Apache-2.0', { got, entry })
      for (const { uri, digest, size } of got.resources) {
        const [content] = (await client.read(uri)).contents
        const bytes = content.text === undefined ? Buffer.from(content.blob, 'base64') : Buffer.from(content.text)
        const hashed = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
        check(content.uri === uri && bytes.length === size && hashed === digest, { uri, size, hashed })
      }
      const { resources } = await client.ask('resources/directory/read', { uri: skill.directory })
      check(
        resources.map(({ name }: { name: string }) => name).join() === 'email.md,regional' && resources[1].mimeType === 'inode/directory',
        resources,
      )
      for (const [method, uri] of [
        ['skills/get', `${skill.directory}/SKILL.md`],
        ['resources/directory/read', skill.uri],
      ] as const) {
        const thrown = await client.ask(method, { uri }).then(
          (result) => check(false, result),
          (error: unknown) => errorOf(error),
        )
        check(thrown?.code === -32_602, { method, thrown })
      }
      return crosses()
    },
  },
  {
    id: 'prompts',
    title: 'Prompts',
    run: async ({ client, offer: { prompt } }) => {
      const names = (await client.prompts()).map((one) => one.name)
      check(names.includes(prompt.name), names)
      const got = await client.prompt(prompt.name, prompt.args)
      check(textOf(got).includes(prompt.holds), got)
      return crosses()
    },
  },
  {
    id: 'completion',
    title: 'Completion',
    run: async ({ client, offer: { complete } }) => {
      const { completion } = await client.complete(complete.ref, complete.argument)
      check(completion.values.includes(complete.value), completion)
      return crosses()
    },
  },
  {
    id: 'progress',
    title: 'Progress, in order, with the token of the caller',
    run: async ({ client, wire, sent, offer: { progress } }) => {
      if (progress.settle !== undefined) await client.call(progress.tool, progress.settle)
      const heard: Progress[] = []
      const from = wire().length
      await client.call(progress.tool, progress.args, { onProgress: (one) => heard.push(one) })
      // SDK clients forget a token when they read the answer, and so lose progress that came in the same read: the wire tells what came.
      const came = (): { progress: number; token: string }[] =>
        [
          ...wire()
            .slice(from)
            .matchAll(/"method":"notifications\/progress".*/g),
        ].map(([line]) => ({
          progress: Number(/"progress":(\d+)/.exec(line)?.[1]),
          token: /"progressToken":("[^"]*"|\d+)/.exec(line)?.[1] ?? '',
        }))
      await until(() => came().length >= progress.steps.length, 'progress', 500)
      const token = [...sent().matchAll(/"progressToken":("[^"]*"|\d+)/g)].at(-1)?.[1]
      check(textOf(came()) === textOf(progress.steps.map((step) => ({ progress: step, token }))), { token, came: came() })
      check(textOf(heard.map((one) => one.progress)) === textOf(progress.steps.slice(0, heard.length)), heard)
      return crosses()
    },
  },
  {
    id: 'logging',
    title: 'Log messages, by level',
    run: async ({ client, offer: { levels, chatty } }) => {
      const from = client.logs.length
      if (levels !== undefined) {
        await client.setLevel('warning')
        await client.call(levels.tool)
        await until(() => client.logs.length >= from + 2, 'log messages')
        const heard = client.logs.slice(from)
        check(textOf(heard) === textOf(['warning: said on warning', 'error: said on error']), heard)
        return crosses()
      }
      if (chatty === undefined) return lacks
      await client.setLevel('debug')
      // A log line that names no call is the only call's in flight, so it takes a moment without the long ones.
      await until(
        async () => {
          await client.call(chatty.tool)
          await until(() => client.logs.length > from, 'a log message', 200).catch(() => undefined)
          await client.call(chatty.tool)
          return client.logs.length > from
        },
        'a log message',
        12_000,
      )
      return crosses()
    },
  },
  {
    id: 'cancellation',
    title: 'Cancellation, as far as the server',
    run: async ({ client, bare, offer: { slow } }) => {
      if (slow === undefined) return absent('the server does not tell what became of a call')
      const key = randomUUID()
      const state = async (): Promise<string> => (await bare.call(`${slow}_state`, { key })).content[0].text
      const controller = new AbortController()
      const call = client.call(slow, { key }, { signal: controller.signal }).then(
        () => 'answered',
        () => 'rejected',
      )
      await until(async () => (await state()) === 'running', 'the start of the call')
      controller.abort('enough')
      check((await call) === 'rejected', 'the call was answered')
      await until(async () => (await state()) === 'cancelled', 'the cancellation to reach the server')
      return crosses()
    },
  },
  {
    id: 'subscription',
    title: 'Resource subscriptions',
    run: async ({ client, offer: { update } }) => {
      await client.subscribe(update.uri)
      await client.call(update.tool, update.args)
      try {
        await until(() => client.updated.includes(update.uri), 'an update')
      } finally {
        if (update.toggles) await client.call(update.tool, update.args)
      }
      return crosses()
    },
  },
  {
    id: 'list-changed',
    title: 'Changes of the list of tools',
    run: async ({ client, offer: { change } }) => {
      if (change === undefined) return lacks
      await client.watchTools()
      const from = client.changed.length
      await client.call(change.tool)
      await until(() => client.changed.slice(from).includes('tools'), 'a change')
      return crosses()
    },
  },
  byTool(
    'form',
    'Elicitation by form',
    (offer) => offer.form,
    (result) => textOf(result).includes('Ada'),
  ),
  byTool(
    'url',
    'Elicitation by URL',
    (offer) => offer.url,
    (result) => /accept/i.test(textOf(result)),
  ),
  {
    id: 'decline',
    title: 'Elicitation declined',
    run: async ({ client, mood, offer: { url } }) => {
      mood.elicit = 'decline'
      try {
        const result = await client.call(url.tool, url.args)
        check(/declin/i.test(textOf(result)), result)
        return crosses()
      } finally {
        mood.elicit = 'accept'
      }
    },
  },
  byTool(
    'sampling',
    'Sampling',
    (offer) => offer.sample,
    (result) => textOf(result).includes('sampled answer'),
  ),
  byTool(
    'roots',
    'Roots',
    (offer) => offer.roots,
    (result) => textOf(result).includes('file:///project'),
  ),
  byTool(
    'several',
    'Several questions in one call',
    (offer) => offer.several,
    (result) => textOf(result).includes('sampled answer Ada, 1 root(s) visible'),
  ),
  byTool(
    'rounds',
    'Several rounds of questions',
    (offer) => offer.rounds,
    (result) => textOf(result).includes('Ada likes green'),
  ),
  {
    id: 'outside',
    title: 'Questions outside any call',
    run: async ({ client, bare, clientKind, serverKind, offer: { later } }) => {
      if (isModern(serverKind)) return absent('servers of 2026-07-28 ask inside calls only')
      if (later === undefined) return lacks
      const shared = serverKind === 'legacy stdio' && !clientKind.endsWith('stdio')
      const wanted = client.modern || shared ? 'error -32601' : 'roots file:///project'
      let state = ''
      // A call in flight could be the one that asks: on a busy machine the pause between the calls may be too short.
      for (let pause = 400; state !== wanted && pause <= 3_200; pause *= 2) {
        const key = randomUUID()
        await client.call(later, { key })
        await new Promise((resolve) => setTimeout(resolve, pause))
        state = (await bare.call('test_slow_state', { key })).content[0].text
      }
      check(state === wanted, state)
      if (client.modern || shared) {
        return refused(
          client.modern
            ? 'a stateless client can be asked inside its calls only: the server is told -32601'
            : 'the process serves several sessions of one principal, and nothing tells which of them is meant: the server is told -32601',
        )
      }
      return crosses()
    },
  },
  {
    id: 'validation',
    title: 'Arguments are validated',
    run: async ({ client, offer: { invalid } }) => {
      const result = await client.call(invalid.tool, invalid.args)
      const wrong = Object.entries(invalid.args ?? {})[0]?.[0] ?? ''
      check(result.isError === true && result.content[0].text.includes(wrong), result)
      return crosses()
    },
  },
  {
    id: 'unknown-tool',
    title: 'An unknown tool is an error',
    run: async ({ client }) => {
      const thrown = await client.call('no_such_tool').then(
        (result) => check(false, result),
        (error: unknown) => errorOf(error),
      )
      check(thrown?.code === -32_602 && thrown.message.includes('no_such_tool'), thrown)
      return crosses()
    },
  },
  {
    id: 'missing-resource',
    title: 'A missing resource has the code of the era of the client',
    run: async ({ client, serverKind, wire, offer }) => {
      const from = wire().length
      const thrown = await client.read(`${offer.text}-that-is-not-there`).then(
        (result) => check(false, result),
        (error: unknown) => errorOf(error),
      )
      // SDK 2.x renumbers -32002, so the wire tells what came.
      const came = Number(/"code":(-\d+)/.exec(wire().slice(from))?.[1])
      if (serverKind === 'legacy sse' && came === -32_602) return crosses('the server sends -32602 itself')
      check(came === (client.modern ? -32_602 : -32_002), { came, thrown })
      return crosses()
    },
  },
  {
    id: 'tasks',
    title: 'Tasks',
    long: true,
    run: async ({ client, bare, clientKind, serverKind, where, offer: { task } }) => {
      if (task === undefined) return absent('the server has no tasks')
      if (client.modern && isModern(serverKind)) {
        const { handed, text } = await runTask(clientKind, where, task.tool)
        check(handed && text.includes(task.text), { handed, text })
        return crosses()
      }
      // Calls of who can answer questions take turns on a server that asks: this one would hold up the others.
      const result = await bare.call(task.tool, task.args)
      check(result.isError !== true && part('text')(result), result)
      return crosses(textOf(result).includes(task.text) ? 'the gateway polls' : 'answered at once')
    },
  },
  {
    id: 'no-capability',
    title: 'A question to a client that cannot answer ends in an error',
    run: async ({ bare, offer }) => {
      const ended = async ({ tool, args }: Ask): Promise<Result> =>
        bare.call(tool, args, { timeout: 5_000 }).catch((thrown: unknown) => {
          const { code, message } = errorOf(thrown)
          return { isError: true, content: [{ type: 'text', text: `${code} ${message}` }] }
        })
      const sampled = await ended(offer.sample)
      check(sampled.isError === true && /sampling|-32601/i.test(sampled.content[0].text), sampled)
      const elicited = await ended(offer.form)
      check(elicited.isError === true && /elicit|-32601/i.test(elicited.content[0].text), elicited)
      return crosses()
    },
  },
]
