// The servers of the matrix: the fixture in each era over each transport, and server-everything over the deprecated HTTP+SSE.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../peers/free-port.ts'
import { fixtureStdio, type Started, startEverything, startFixture } from '../peers/servers.ts'

export const serverKinds = ['legacy stdio', 'legacy http', 'modern stdio', 'modern http', 'legacy sse'] as const
export type ServerKind = (typeof serverKinds)[number]

export function isModern(kind: ServerKind): boolean {
  return kind.startsWith('modern')
}

/** Name of the mount, for example `legacy-http`. */
export function mountOf(kind: ServerKind): string {
  return kind.replace(' ', '-')
}

/** The tools that show a feature; undefined where the server has none. */
export interface Offer {
  readonly simple: Ask
  readonly structured: Ask
  readonly array?: Ask
  readonly image: Ask
  readonly audio?: Ask
  readonly embedded: Ask
  readonly link: Ask
  readonly int64?: Ask
  /** `settle`: a call that takes what the server asks by itself soon after its start, which would else come in the middle. */
  readonly progress: Ask & { readonly steps: readonly number[]; readonly settle?: Record<string, unknown> }
  readonly levels?: Ask
  /** Logs until it is called again. */
  readonly chatty?: Ask
  readonly slow?: string
  readonly later?: string
  readonly update: Ask & { readonly uri: string; readonly toggles: boolean }
  readonly change?: Ask
  readonly form: Ask
  readonly url: Ask
  readonly sample: Ask
  readonly roots: Ask
  readonly several?: Ask
  readonly rounds?: Ask
  readonly invalid: Ask
  readonly task?: Ask & { readonly text: string }
  readonly text: string
  readonly binary?: string
  readonly template: { readonly pattern: string; readonly uri: string; readonly holds: string }
  /** `directory` has a file and a folder. */
  readonly skill?: { readonly uri: string; readonly directory: string }
  readonly prompt: { readonly name: string; readonly args: Record<string, string>; readonly holds: string }
  readonly complete: { readonly ref: Record<string, unknown>; readonly argument: { name: string; value: string }; readonly value: string }
}

export interface Ask {
  readonly tool: string
  readonly args?: Record<string, unknown>
}

const rounds = (name: string): Ask => ({ tool: `test_input_required_result_${name}` })

function fixture(modern: boolean): Offer {
  return {
    simple: { tool: 'test_simple_text' },
    structured: { tool: 'test_structured_object' },
    ...(modern ? { array: { tool: 'test_structured_array' } } : {}),
    image: { tool: 'test_image_content' },
    audio: { tool: 'test_audio_content' },
    embedded: { tool: 'test_embedded_resource' },
    link: { tool: 'test_resource_link' },
    int64: { tool: 'test_int64', args: { big: '#big#' } },
    progress: { tool: 'test_tool_with_progress', steps: [0, 50, 100] },
    levels: { tool: 'test_log_levels' },
    slow: 'test_slow',
    ...(modern ? {} : { later: 'test_ask_later' }),
    update: { tool: 'test_update_resource', uri: 'test://watched-resource', toggles: false },
    change: { tool: 'test_trigger_tool_change' },
    form: rounds('elicitation'),
    url: { tool: 'test_elicitation_url' },
    sample: rounds('sampling'),
    roots: rounds('list_roots'),
    several: rounds('multiple_inputs'),
    rounds: rounds('multi_round'),
    invalid: { tool: 'test_sampling', args: { prompt: ['x'] } },
    ...(modern ? { task: { tool: 'test_task', text: 'done as a task' } } : {}),
    text: 'test://static-text',
    binary: 'test://static-binary',
    template: { pattern: 'test://template/{id}/data', uri: 'test://template/77/data', holds: '77' },
    skill: { uri: 'skill://acme/billing/refunds/SKILL.md', directory: 'skill://acme/billing/refunds/templates' },
    prompt: { name: 'test_prompt_with_arguments', args: { arg1: 'one', arg2: 'two' }, holds: "arg2='two'" },
    complete: { ref: { type: 'ref/resource', uri: 'test://template/{id}/data' }, argument: { name: 'id', value: '12' }, value: '123' },
  }
}

const offerOfEverything: Offer = {
  simple: { tool: 'echo', args: { message: 'hello' } },
  structured: { tool: 'get-structured-content', args: { location: 'Chicago' } },
  image: { tool: 'get-tiny-image' },
  embedded: { tool: 'get-resource-reference', args: { resourceType: 'Text', resourceId: 1 } },
  link: { tool: 'get-resource-links', args: { count: 2 } },
  progress: {
    tool: 'trigger-long-running-operation',
    args: { duration: 0.3, steps: 3 },
    steps: [1, 2, 3],
    settle: { duration: 0.7, steps: 1 },
  },
  chatty: { tool: 'toggle-simulated-logging' },
  update: { tool: 'toggle-subscriber-updates', uri: 'demo://resource/dynamic/text/1', toggles: true },
  form: { tool: 'trigger-elicitation-request' },
  url: { tool: 'trigger-url-elicitation', args: { url: 'https://example.com/consent', message: 'Please open' } },
  sample: { tool: 'trigger-sampling-request', args: { prompt: 'hello', maxTokens: 10 } },
  roots: { tool: 'get-roots-list' },
  invalid: { tool: 'get-sum', args: { a: 'one', b: 2 } },
  task: { tool: 'simulate-research-query', args: { topic: 'bridges' }, text: 'Research Report: bridges' },
  text: 'demo://resource/static/document/features.md',
  template: {
    pattern: 'demo://resource/dynamic/text/{resourceId}',
    uri: 'demo://resource/dynamic/text/7',
    holds: '7',
  },
  prompt: { name: 'args-prompt', args: { city: 'Oslo' }, holds: 'Oslo' },
  complete: {
    ref: { type: 'ref/prompt', name: 'completable-prompt' },
    argument: { name: 'department', value: 'E' },
    value: 'Engineering',
  },
}

export function offerOf(kind: ServerKind): Offer {
  return kind === 'legacy sse' ? offerOfEverything : fixture(isModern(kind))
}

export interface Servers {
  /** Entries of the configuration, by mount. */
  readonly entries: Readonly<Record<string, Record<string, unknown>>>
  stop(): Promise<void>
}

/** Starts those that run by themselves. */
export async function startServers(): Promise<Servers> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-crossing-'))
  const env = { FIXTURE_TASKS: '1', FIXTURE_FOLDER: folder }
  const [legacy, modern, sse]: Started[] = await Promise.all([
    startFixture({ ...env, FIXTURE_ERA: 'legacy' }),
    startFixture({ ...env, FIXTURE_ERA: 'modern' }),
    startEverything('sse', port),
  ])
  const stdio = (era: 'legacy' | 'modern') => {
    const entry = fixtureStdio(era)
    return { ...entry, env: { ...entry.env, ...env } }
  }
  return {
    entries: {
      'legacy-stdio': stdio('legacy'),
      'modern-stdio': stdio('modern'),
      'legacy-http': { url: `http://127.0.0.1:${legacy?.port}/mcp` },
      'modern-http': { url: `http://127.0.0.1:${modern?.port}/mcp` },
      'legacy-sse': { url: `http://127.0.0.1:${port}/sse`, transport: 'sse' },
    },
    stop: async () => {
      await Promise.all([legacy?.stop(), modern?.stop(), sse?.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
