// The forms in which the gateway is deployed: the image, the unit of systemd, Compose and the Helm chart. Each is judged by the program that reads
// it, and what stands in it by the gateway itself. Where a program is missing that is skipped and said; `npm run deployment` brings them.
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { settingsSchema } from '../src/assembly/settings.ts'
import { checkSettings } from '../src/operate/configuration/checks.ts'
import { root } from './peers/servers.ts'
import { toolNamed } from './peers/tools.ts'
import { promise } from './promises/promise.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }
const scratch = mkdtempSync(join(tmpdir(), 'signalbox-deployment-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A program that finds nothing wrong. `most`: how long it may take, in ms. */
function passes(command: string, args: readonly string[], most = 60_000): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: most })
  expect({ status, error, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, error: undefined, said: '' })
  return stdout
}

/** What the gateway says of a configuration of which the secrets are not here. */
function problemsOf(config: unknown): unknown[] {
  const filled: Record<string, unknown> = JSON.parse(
    JSON.stringify(config)
      .replaceAll(/\$\{file:[^}]*database\}/g, 'postgres://gateway@db.example/signalbox')
      .replaceAll(/\$\{file:[^}]*vault\.key\}/g, 'A'.repeat(43)),
  )
  // Its files are read with the references; here they are not.
  if (JSON.stringify(filled.tls ?? {}).includes('${file:')) delete filled.tls
  return checkSettings(settingsSchema.parse(filled), () => true).filter(({ severity }) => severity === 'error')
}

describe('the image', () => {
  const text = read('deploy/Containerfile')
  const last = text.slice(text.lastIndexOf('\nFROM '))
  const hadolint = toolNamed('hadolint')

  test.skipIf(hadolint === undefined)('passes hadolint', () => {
    passes(hadolint ?? '', ['--failure-threshold', 'style', join(root, 'deploy/Containerfile')])
  })

  promise('R5', 'runs as nobody, builds nothing in its last stage, and is asked by our own program', () => {
    expect(last).toMatch(/^USER 65532:65532$/m)
    expect(last).not.toMatch(/^RUN /m)
    expect(last).toMatch(/^HEALTHCHECK .* CMD \["signalbox", "ready", /m)
    expect(text).toMatch(/^ARG NODE_IMAGE=docker\.io\/library\/node:24-/m)
  })
})

describe('the unit of systemd', () => {
  const analyze = toolNamed('systemd-analyze')
  const unit = join(scratch, 'signalbox.service')
  // The program where this checkout has it.
  writeFileSync(unit, read('deploy/systemd/signalbox.service').replaceAll('/opt/signalbox/node_modules/.bin/signalbox', process.execPath))

  test.skipIf(analyze === undefined)('passes systemd-analyze verify, alone and with sandbox.conf', () => {
    for (const dropIn of [false, true]) {
      if (dropIn) {
        mkdirSync(`${unit}.d`)
        cpSync(join(root, 'deploy/systemd/sandbox.conf'), join(`${unit}.d`, 'sandbox.conf'))
      }
      // It says what it does not know and ends with 0 all the same.
      const { status, stdout, stderr } = spawnSync(analyze ?? '', ['verify', '--man=no', unit], { encoding: 'utf8', timeout: 60_000 })
      expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
    }
    rmSync(`${unit}.d`, { recursive: true })
  })

  test.skipIf(analyze === undefined)('leaves a program little to do harm with', () => {
    const said = passes(analyze ?? '', ['security', '--offline=true', '--threshold=20', '--no-pager', unit])
    const [, exposure = ''] = /Overall exposure level for signalbox\.service: ([\d.]+)/.exec(said) ?? []
    expect(Number(exposure)).toBeLessThan(1.5)
  })
})

promise('R5', 'Compose starts what the image is, closed as it is meant to be', () => {
  const { services } = parse(read('deploy/compose/compose.yaml')) as { services: Record<string, Record<string, unknown>> }
  expect(services.signalbox).toMatchObject({
    image: `signalbox:${version}`,
    build: { dockerfile: 'deploy/Containerfile' },
    user: '65532:65532',
    read_only: true,
    cap_drop: ['ALL'],
    ports: ['127.0.0.1:4280:4280'],
  })
})

describe('the chart', () => {
  const chart = join(root, 'deploy/helm/signalbox')
  const helm = toolNamed('helm')
  const kinds = toolNamed('kubernetes-validate')
  const example = (name: string) => join(chart, 'ci', `${name}-values.yaml`)
  type Resource = { readonly kind: string; readonly metadata: { readonly name: string }; readonly data?: Record<string, string> }
  const rendered = (name: string, ...more: string[]): string =>
    passes(helm ?? '', ['template', 'mcp', chart, '--kube-version', '1.34.0', '-f', example(name), ...more])

  test('is of the version of the package', () => {
    expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version })
  })

  test.each(['production', 'replicas'])('its values for %s are a configuration that the gateway takes', (name) => {
    const own = (parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as { config: object }).config
    const given = (parse(readFileSync(example(name), 'utf8')) as { config: object }).config
    expect(problemsOf({ ...own, ...given })).toEqual([])
    expect({ ...own, ...given }).toMatchObject({ profile: 'production', listen: '0.0.0.0:4280', admin: { listen: '0.0.0.0:4281' } })
  })

  test.skipIf(helm === undefined).each(['production', 'replicas'])(
    'passes helm lint, and makes resources of %s that Kubernetes knows',
    (name) => {
      passes(helm ?? '', ['lint', '--strict', '--kube-version', '1.34.0', '-f', example(name), chart])
      const text = rendered(name)
      const resources = parseAllDocuments(text).map((document) => document.toJS() as Resource)
      const expected = ['ConfigMap', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'Service', 'ServiceAccount', 'StatefulSet']
      expect(resources.map(({ kind }) => kind).sort()).toEqual(
        name === 'production' ? expected : [...expected, 'HorizontalPodAutoscaler'].sort(),
      )
      const config = resources.find(({ kind }) => kind === 'ConfigMap')?.data?.['signalbox.yaml'] ?? ''
      expect(problemsOf(parse(config))).toEqual([])
      if (kinds === undefined) return
      const file = join(scratch, `${name}.yaml`)
      writeFileSync(file, text)
      for (const release of ['1.27', '1.36']) passes(kinds, ['-k', release, '--strict', file])
    },
  )

  test.skipIf(helm === undefined)('asks the probes of the gateway, and gives it the time that it needs to drain', () => {
    const pods = parseAllDocuments(rendered('production'))
      .map((document) => document.toJS())
      .find(({ kind }) => kind === 'StatefulSet').spec.template.spec
    expect(pods.containers[0]).toMatchObject({
      startupProbe: { httpGet: { path: '/readyz', port: 'mcp' } },
      livenessProbe: { httpGet: { path: '/livez', port: 'mcp' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'mcp' } },
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    })
    expect(pods.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } })
    const { drain } = settingsSchema.parse({})
    expect(pods.terminationGracePeriodSeconds).toBe(5 + drain.graceMs / 1_000 + 10)
  })

  test.skipIf(helm === undefined).each([
    ['two replicas of an embedded store', ['--set', 'replicas=2'], 'config.stores.durable'],
    ['a name that it does not know', ['--set', 'replica=2'], "additional properties 'replica' not allowed"],
    ['another state folder', ['--set', 'config.stateDir=/data'], 'stateDir'],
  ])('refuses %s', (_what, more, reason) => {
    const args = ['template', 'mcp', chart, '--kube-version', '1.34.0', '-f', example('production'), ...more]
    const { status, stderr } = spawnSync(helm ?? '', args, { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toContain(reason)
  })
})

describe.skipIf(process.getuid?.() !== 0)('a user that owns nothing, as in a container', () => {
  const user = 65_532
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-user-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** `signalbox check` by that user, of a configuration with a secret of root in a file of this mode and group. */
  function checked(mode: number, group: number): { code: number; said: string } {
    chmodSync(folder, 0o755)
    const state = join(folder, 'state')
    mkdirSync(state, { recursive: true })
    // As a volume is with `fsGroup`.
    chownSync(state, 0, user)
    chmodSync(state, 0o2775)
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'a-token-of-the-tracker')
    chownSync(secret, 0, group)
    chmodSync(secret, mode)
    const config = {
      profile: 'production',
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0' },
      publicUrl: 'https://mcp.example.com',
      stateDir: state,
      auth: { issuers: [{ issuer: 'https://id.example.com', requireTyp: false }] },
      access: [{ use: ['*'] }],
      servers: { tracker: { url: 'https://tracker.example.com/mcp', headers: { Authorization: `Bearer \${file:${secret}}` } } },
    }
    writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'dist', 'main.js'), 'check', join(folder, 'signalbox.yaml'), '--no-connect'],
      { uid: user, gid: user, encoding: 'utf8', cwd: folder },
    )
    return { code: status ?? -1, said: stdout + stderr }
  }

  promise('R5', 'reads secrets of root that only its own group may read, and no others', () => {
    expect(checked(0o440, user)).toMatchObject({ code: 0 })
    expect(checked(0o444, user).said).toContain('other users can read')
    expect(checked(0o460, user).said).toContain('other users can read')
    expect(checked(0o440, 0).said).toContain('may not be read')
  })
})
