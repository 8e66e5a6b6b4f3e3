// Five more kinds of traffic, written blind and committed before the detectors were measured on any of them, as servers of trackers, metrics,
// clusters, chats and code hosts answer. Whoever changes a constant of the product because of what comes out here takes that from them, and
// has to write others. Those that answer in text stand here.
import { type Archetype, dayMs, hourMs, hourOf, isOffice, type RowAccess } from '../archetype.ts'
import { type Random, randomOf, seedOf } from '../random.ts'
import { pullRequest } from './untuned-2-object.ts'
import { channel, metrics } from './untuned-2-structured.ts'

const failures = [
  "TypeError: Cannot read properties of undefined (reading 'total')",
  'ConnectionError: Redis connection to cache:6379 failed',
  'IntegrityError: duplicate key value violates unique constraint "orders_pkey"',
  'TimeoutError: upstream request timeout',
  'ValueError: invalid literal for int() with base 10',
  'ChunkLoadError: Loading chunk 42 failed.',
  'HTTPError: 503 Server Error: Service Unavailable',
  'NullPointerException: Cannot invoke "User.getId()" because "user" is null',
  'N+1 Query',
  'PaymentDeclined: insufficient funds',
  'JSONDecodeError: Expecting value: line 1 column 1 (char 0)',
  'Unhandled promise rejection: AbortError',
  'KeyError: currency',
  'OutOfMemoryError: Java heap space',
]
const areas = ['checkout', 'cart', 'login', 'search', 'invoice', 'upload', 'profile', 'webhook', 'export', 'mailer', 'pricing', 'stock']

interface Issue {
  readonly id: string
  readonly title: string
  readonly area: string
  readonly level: string
  readonly bornMs: number
  readonly perHour: number
  readonly livesMs: number
}

const lastSeen = ({ bornMs, perHour, livesMs }: Issue, atMs: number): number => {
  const step = hourMs / perHour
  return Math.min(bornMs + livesMs, bornMs + Math.floor((atMs - bornMs) / step) * step)
}

function agoOf(ms: number): string {
  if (ms < 90_000) return 'a minute ago'
  if (ms < hourMs) return `${Math.round(ms / 60_000)} minutes ago`
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} hours ago` : `${Math.round(ms / dayMs)} days ago`
}

const footer = '\n\n---\nUse get_issue_details with the ID of an issue to see its stack trace.'
const issueRows: RowAccess = {
  read: (body) => String(body).split(footer)[0]?.split('\n\n## ').slice(1) ?? [],
  write: (body, rows) => {
    const [head = ''] = String(body).split('\n\n## ')
    return [head.replace(/Found \*\*\d+\*\*/, `Found **${rows.length}**`), ...rows].join('\n\n## ') + footer
  },
}
const noIssues = 'No issues found matching your search.\n\nTry a wider time range, fewer filters or another project.'

/** Issues of an error tracker in Markdown: every answer is full of errors. The views of a triage are asked again and again; who looks for
 * words and finds nothing takes others; issues are resolved in between, also by the caller. */
const tracker: Archetype = {
  name: 'error tracker, Markdown',
  tool: 'search_issues',
  readOnly: true,
  everyMs: 85_000,
  rows: issueRows,
  empty: () => noIssues,
  live: (random) => {
    const projects = ['web', 'api', 'worker', 'mobile', 'billing', 'admin', 'gateway'].map((name, index) => ({
      name,
      perDay: [24, 18, 9, 12, 5, 2, 1][index] ?? 1,
      issues: [] as Issue[],
      atMs: 0,
      last: 100 + random.between(0, 4000),
    }))
    type Project = (typeof projects)[number]
    const arise = (project: Project, bornMs: number): void => {
      project.last += 1
      project.issues.push({
        id: `${project.name.toUpperCase()}-${project.last.toString(36).toUpperCase()}`,
        title: failures[random.popular(failures.length, 1.4)] ?? random.pick(failures),
        area: random.pick(areas),
        level: random.chance(0.04) ? 'fatal' : random.chance(0.15) ? 'warning' : 'error',
        bornMs,
        perHour: random.about(1.5, 1.5),
        livesMs: random.about(60, 1.4) * hourMs,
      })
    }
    const advance = (project: Project, atMs: number): void => {
      if (project.atMs === 0) project.atMs = atMs - 12 * dayMs
      while (project.atMs < atMs) {
        const step = Math.min(2 * hourMs, atMs - project.atMs)
        const office = isOffice(project.atMs)
        // A release brings several at once.
        const born = random.poisson((project.perDay / 12) * (step / (2 * hourMs)) * (office ? 1.6 : 0.4))
        for (let count = born * (office && random.chance(0.15) ? 3 : 1); count > 0; count -= 1) arise(project, project.atMs)
        project.issues = project.issues.filter(
          (one) => !(office && random.chance((0.02 * step) / (2 * hourMs))) && atMs - lastSeen(one, atMs) < 14 * dayMs,
        )
        project.atMs += step
      }
    }
    let retries = 0
    let project = projects[0] as Project
    return (atMs) => {
      if (retries === 0) project = projects[random.popular(projects.length, 1.4)] ?? project
      advance(project, atMs)
      const hasSeen = (hours: number) => (one: Issue) => atMs - lastSeen(one, atMs) < hours * hourMs
      let query: string
      let found: Issue[]
      if (retries === 0 && random.chance(0.58)) {
        const view = random.popular(5, 1.5)
        query = `is:unresolved ${['lastSeen:-24h', 'lastSeen:-14d', 'firstSeen:-24h', 'level:fatal', 'lastSeen:-1h'][view]}`
        found = project.issues.filter(
          [
            hasSeen(24),
            hasSeen(14 * 24),
            ({ bornMs }: Issue) => atMs - bornMs < dayMs,
            ({ level }: Issue) => level === 'fatal',
            hasSeen(1),
          ][view] ?? hasSeen(24),
        )
      } else {
        // From a report or a trace, which the tracker mostly knows; else what a user said.
        const known = project.issues.length > 0 && random.chance(0.6) ? random.pick(project.issues) : undefined
        const word = known?.title.split(/[: ]/)[0] ?? (random.chance(0.5) ? random.word() : (random.pick(failures).split(/[: ]/)[0] ?? ''))
        const area = random.chance(0.35) ? (known?.area ?? random.pick(areas)) : undefined
        query = area === undefined ? word : `${word} ${area}`
        found = project.issues.filter((one) => one.title.includes(word) && (area === undefined || one.area === area))
        retries = found.length > 0 ? 0 : retries > 0 ? retries - 1 : random.between(0, 3)
      }
      const limit = 10
      const rows = found
        .sort((one, other) => lastSeen(other, atMs) - lastSeen(one, atMs))
        .slice(0, limit)
        .map((one, index) => {
          const events = 1 + Math.floor(((lastSeen(one, atMs) - one.bornMs) / hourMs) * one.perHour)
          return [
            `${index + 1}. [${one.id}](https://acme.example.com/issues/${one.id})\n`,
            `**${one.title}**\n\`${one.area}.handle\`\n`,
            `- **Level**: ${one.level}`,
            `- **Users**: ${Math.ceil(events ** 0.8)}`,
            `- **Events**: ${events}`,
            `- **First seen**: ${agoOf(atMs - one.bornMs)}`,
            `- **Last seen**: ${agoOf(atMs - lastSeen(one, atMs))}`,
          ].join('\n')
        })
      const fixed = found[0]
      if (fixed !== undefined && random.chance(0.08)) project.issues = project.issues.filter((one) => one !== fixed)
      const head = `# Issues in acme/${project.name}: ${query}\n\nFound **${rows.length}** issues:`
      return {
        args: { organization: 'acme', project: project.name, query, limit },
        body: rows.length === 0 ? noIssues : [head, ...rows].join('\n\n## ') + footer,
        latencyMs: random.chance(0.02) ? random.about(2_800, 0.5) : random.about(320, 0.4),
      }
    }
  },
}

const namespaces = ['production', 'staging', 'monitoring', 'ingress', 'billing', 'data', 'ci', 'sandbox', 'cert-manager', 'search'] as const

/** As kubectl writes ages. */
function ageOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 2) return `${Math.max(1, Math.floor(ms / 1000))}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 10) return `${hours}h${minutes % 60}m`
  if (hours < 48) return `${hours}h`
  return hours < 8 * 24 ? `${Math.floor(hours / 24)}d${hours % 24}h` : `${Math.floor(hours / 24)}d`
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}

const tail = (from: Random, length: number): string =>
  Array.from({ length }, () => 'bcdfghjklmnpqrstvwxz2456789'[from.between(0, 26)] ?? 'b').join('')

const nothing = 'No resources found'
const tableRows: RowAccess = {
  read: (body) => (String(body).startsWith(nothing) ? [] : String(body).split('\n').slice(1)),
  write: (body, rows) => [...String(body).split('\n').slice(0, 1), ...rows].join('\n'),
}

/** Tables of a cluster's resources: few namespaces asked again and again, rollouts by day, pods that crash for hours, warnings that are gone
 * after an hour, previews that are removed, selectors that fit nothing. */
const cluster: Archetype = {
  name: 'cluster resources, table',
  tool: 'kubectl_get',
  readOnly: true,
  everyMs: 70_000,
  rows: tableRows,
  empty: (_body, random) => `${nothing} in ${random.pick(namespaces)} namespace.`,
  live: (random) => {
    const world = random.between(1, 1e9)
    const size = (namespace: string): number =>
      namespace === 'production' ? 14 : namespace.startsWith('pr-') ? 3 : randomOf(seedOf(world, namespace)).between(2, 8)
    const deploymentsOf = (namespace: string, atMs: number) =>
      Array.from({ length: size(namespace) }, (_, index) => {
        const fixed = randomOf(seedOf(world, namespace, index))
        const name = `${fixed.word()}${fixed.chance(0.4) ? `-${fixed.pick(['api', 'worker', 'web', 'proxy'])}` : ''}`
        const periodMs = namespace.startsWith('pr-') ? 30 * dayMs : fixed.about(4, 0.8) * dayMs
        const shift = fixed.next()
        const version = Math.floor(atMs / periodMs + shift)
        const sinceMs = Math.max(20_000, atMs - (version - shift) * periodMs)
        const base = fixed.between(1, namespace === 'production' ? 5 : 2)
        const isScaled = namespace === 'production' && fixed.chance(0.4)
        const seen = randomOf(seedOf(world, namespace, index, version))
        const crashes = seen.chance(0.04) && sinceMs < seen.about(6, 0.8) * hourMs
        return { name, version, sinceMs, replicas: base + (isScaled && hourOf(atMs) > 8 && hourOf(atMs) < 21 ? 2 : 0), crashes, index }
      })
    const pods = (namespace: string, app: string | undefined, atMs: number): string[][] =>
      deploymentsOf(namespace, atMs)
        .filter(({ name }) => app === undefined || name === app)
        .flatMap(({ name, version, sinceMs, replicas, crashes, index }) =>
          Array.from({ length: replicas }, (_, nth) => {
            const seen = randomOf(seedOf(world, namespace, index, version, nth))
            const id = `${name}-${tail(randomOf(seedOf(world, name, version)), 9)}-${tail(seen, 5)}`
            if (crashes && nth === 0)
              return [
                id,
                '0/1',
                seen.pick(['CrashLoopBackOff', 'Error', 'ImagePullBackOff']),
                `${Math.ceil(sinceMs / 300_000)} (2m ago)`,
                ageOf(sinceMs),
              ]
            if (sinceMs < 90_000) return [id, '0/1', 'ContainerCreating', '0', ageOf(sinceMs)]
            const restarts = seen.chance(0.12) ? 1 + Math.floor(sinceMs / (2 * dayMs)) : 0
            return [id, '1/1', 'Running', restarts > 0 ? `${restarts} (${ageOf(sinceMs / (restarts + 1))} ago)` : '0', ageOf(sinceMs)]
          }),
        )
    const warnedIn = (namespace: string, slot: number): { readonly atMs: number; readonly row: readonly string[] }[] => {
      const seen = randomOf(seedOf(world, namespace, 'warnings', slot))
      const among = deploymentsOf(namespace, slot * hourMs)
      const crashing = among.filter(({ crashes }) => crashes)
      const count = crashing.length * 2 + (seen.chance(namespace === 'production' ? 0.7 : 0.35) ? seen.between(1, 5) : 0)
      return Array.from({ length: count }, (_, index) => {
        const about = crashing[index % Math.max(1, crashing.length)]?.name ?? seen.pick(among).name
        const [reason, text] = seen.pick([
          ['BackOff', 'Back-off restarting failed container'],
          ['Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503'],
          ['FailedScheduling', '0/6 nodes are available: 6 Insufficient cpu.'],
          ['FailedMount', 'MountVolume.SetUp failed for volume "config": configmap "config" not found'],
        ] as const)
        const row = ['Warning', reason, `pod/${about}-${tail(seen, 9)}-${tail(seen, 5)}`, text]
        return { atMs: (slot + seen.next()) * hourMs, row }
      })
    }
    // A cluster keeps them for an hour.
    const warnings = (namespace: string, atMs: number): string[][] => {
      const slot = Math.floor(atMs / hourMs)
      return [...warnedIn(namespace, slot - 1), ...warnedIn(namespace, slot)]
        .filter((one) => one.atMs <= atMs && atMs - one.atMs < hourMs)
        .map((one) => [ageOf(atMs - one.atMs), ...one.row])
    }
    const jobs = (namespace: string, atMs: number): string[][] => {
      const crons = { data: 5, billing: 3, production: 2, ci: 1 }[namespace] ?? 0
      return Array.from({ length: crons * 3 }, (_, index) => {
        const everyMs = (1 + (Math.floor(index / 3) % 3) * 11) * hourMs
        const nth = Math.floor(atMs / everyMs) - 2 + (index % 3)
        const job = randomOf(seedOf(world, namespace, Math.floor(index / 3), nth))
        const name = randomOf(seedOf(world, namespace, 'cron', Math.floor(index / 3))).word()
        const sinceMs = atMs - nth * everyMs
        const done = sinceMs > 120_000 && !job.chance(0.02)
        const row = [`${name}-${Math.floor((nth * everyMs) / 60_000)}`, done ? 'Complete' : sinceMs > 120_000 ? 'Failed' : 'Running']
        return [...row, done ? '1/1' : '0/1', ageOf(job.between(5, 110) * 1000), ageOf(sinceMs)]
      })
    }
    let namespace: string = 'production'
    let isMistaken = false
    return (atMs) => {
      if (!isMistaken && random.chance(0.55)) {
        const pull = 900 + Math.floor(atMs / (8 * hourMs)) - random.popular(12, 1.3)
        namespace = random.chance(0.08) ? `pr-${pull}` : (namespaces[random.popular(namespaces.length, 2)] ?? 'production')
      }
      const isRemoved = namespace.startsWith('pr-') && 900 + Math.floor(atMs / (8 * hourMs)) - Number(namespace.slice(3)) > 9
      const wasMistaken = isMistaken
      const kind = wasMistaken ? 'pods' : random.chance(0.62) ? 'pods' : random.pick(['events', 'deployments', 'deployments', 'jobs'])
      const bySelector = kind === 'pods' && (wasMistaken || random.chance(0.22))
      isMistaken = bySelector && random.chance(wasMistaken ? 0.3 : 0.14)
      const app = bySelector ? (isMistaken ? random.word() : random.pick(deploymentsOf(namespace, atMs)).name) : undefined
      const [head, rows] =
        kind === 'pods'
          ? ['NAME  READY  STATUS  RESTARTS  AGE', pods(namespace, app, atMs)]
          : kind === 'events'
            ? ['LAST SEEN  TYPE  REASON  OBJECT  MESSAGE', warnings(namespace, atMs)]
            : kind === 'jobs'
              ? ['NAME  STATUS  COMPLETIONS  DURATION  AGE', jobs(namespace, atMs)]
              : [
                  'NAME  READY  UP-TO-DATE  AVAILABLE  AGE',
                  deploymentsOf(namespace, atMs).map(({ name, replicas, crashes, index }) => {
                    const ready = replicas - (crashes ? 1 : 0)
                    const bornMs = randomOf(seedOf(world, namespace, index, 'born')).between(40, 400) * dayMs
                    return [
                      name,
                      `${ready}/${replicas}`,
                      `${replicas}`,
                      `${ready}`,
                      ageOf(namespace.startsWith('pr-') ? 30 * hourMs : bornMs),
                    ]
                  }),
                ]
      return {
        args: {
          resourceType: kind,
          namespace,
          ...(app === undefined ? {} : { labelSelector: `app=${app}` }),
          ...(kind === 'events' ? { fieldSelector: 'type=Warning' } : {}),
        },
        body: isRemoved || rows.length === 0 ? `${nothing} in ${namespace} namespace.` : tableOf(head.split('  '), rows),
        latencyMs: random.chance(0.015) ? random.about(1_900, 0.6) : random.about(85, 0.35) + rows.length,
      }
    }
  },
}

export const untunedSecond: readonly Archetype[] = [tracker, cluster, metrics, channel, pullRequest]
