// Of the second set of traffic that nothing was tuned on, the kind whose answers have no rows.
import { type Archetype, dayMs, isOffice } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

interface Pull {
  readonly repo: string
  readonly number: number
  readonly title: string
  readonly text: string | null
  readonly by: string
  readonly labels: readonly string[]
  isDraft: boolean
  commits: number
  changed: number
  comments: number
  pushedMs: number
  approved: number
  mergedMs: number | null
}

/** One object of a code host: who works on a change looks at it again and again, pushes and comments in between, waits for its checks; old
 * changes never change; a wrong number is rare. */
export const pullRequest: Archetype = {
  name: 'pull request',
  tool: 'get_pull_request',
  readOnly: true,
  everyMs: 60_000,
  outputSchema: {
    type: 'object',
    properties: {
      pullRequest: {
        type: ['object', 'null'],
        properties: {
          number: { type: 'integer' },
          title: { type: 'string' },
          state: { type: 'string', enum: ['open', 'closed'] },
          draft: { type: 'boolean' },
          merged: { type: 'boolean' },
          mergeable: { type: ['boolean', 'null'] },
          body: { type: ['string', 'null'] },
          labels: { type: 'array', items: { type: 'string' } },
          reviews: { type: 'array' },
          checks: { type: 'object' },
          head: { type: 'object' },
        },
        required: ['number', 'title', 'state', 'draft', 'merged', 'mergeable', 'body', 'labels', 'head', 'checks'],
      },
    },
    required: ['pullRequest'],
  },
  empty: () => ({ pullRequest: null }),
  live: (random) => {
    const world = random.between(1, 1e9)
    const repos = ['platform', 'web', 'infra', 'docs', 'sdk']
    const newest = new Map(repos.map((repo) => [repo, random.between(300, 5000)]))
    const opened = (atMs: number, repo: string, number: number): Pull => {
      const fixed = randomOf(seedOf(world, repo, number))
      const text = `Fixes #${Math.max(1, number - fixed.between(3, 90))}.\n\nWhen ${fixed.word()} ${fixed.pick(['is not found', 'times out', 'changes'])} we ${fixed.pick(['retry', 'log an error', 'answer 500 instead of 404'])}.`
      return {
        repo,
        number,
        title: `${fixed.pick(['fix', 'feat', 'chore', 'docs'])}(${fixed.word()}): ${fixed.pick(['handle error of', 'add', 'bump', 'remove', 'retry failed'])} ${fixed.word()}`,
        text: fixed.chance(0.09) ? null : text,
        by: fixed.chance(0.2) ? 'dependabot[bot]' : fixed.word(),
        labels: fixed.chance(0.45) ? [] : [fixed.pick(['bug', 'dependencies', 'enhancement', 'breaking'])],
        isDraft: fixed.chance(0.15),
        commits: fixed.between(1, 4),
        changed: Math.ceil(fixed.about(5, 1.1)),
        comments: fixed.popular(8, 2),
        pushedMs: atMs,
        approved: 0,
        mergedMs: null,
      }
    }
    let open: Pull[] = []
    let current: Pull | undefined
    let wrong = 0
    const ofNumber = (atMs: number, repo: string, number: number): Pull => {
      const mergedMs = atMs - (atMs % (365 * dayMs)) + ((number * 7_200_000) % (200 * dayMs)) - 200 * dayMs
      return { ...opened(mergedMs - dayMs, repo, number), approved: 1, isDraft: false, mergedMs }
    }
    const chosen = (atMs: number): Pull => {
      if (open.length < 4 || (open.length < 18 && random.chance(isOffice(atMs) ? 0.06 : 0.015))) {
        const repo = repos[random.popular(repos.length, 1.6)] ?? 'web'
        const number = (newest.get(repo) ?? 1) + random.between(1, 3)
        newest.set(repo, number)
        open.push(opened(atMs - random.between(1, 200) * 60_000, repo, number))
      }
      const how = random.next()
      if (current !== undefined && how < 0.55) return current
      if (how < 0.84) return random.pick(open)
      const repo = repos[random.popular(repos.length, 1.6)] ?? 'web'
      return ofNumber(atMs, repo, Math.max(1, (newest.get(repo) ?? 300) - 20 - random.popular(250, 1.8)))
    }
    const worked = (pull: Pull, atMs: number): void => {
      if (pull.mergedMs !== null) return
      if (random.chance(0.16))
        Object.assign(pull, { commits: pull.commits + 1, changed: pull.changed + random.between(0, 2), pushedMs: atMs - 8_000 })
      if (random.chance(0.1)) pull.comments += 1
      if (pull.isDraft) pull.isDraft = !random.chance(0.05)
      else if (isOffice(atMs) && random.chance(0.05)) pull.approved += 1
      if (pull.approved > 0 && atMs - pull.pushedMs > 900_000 && random.chance(0.15)) {
        pull.mergedMs = atMs - 5_000
        open = open.filter((one) => one !== pull)
      }
    }
    return (atMs) => {
      const latencyMs = random.chance(0.02) ? random.about(1_600, 0.5) : random.about(240, 0.3)
      wrong = wrong > 0 ? wrong - 1 : random.chance(0.004) ? random.between(1, 2) : 0
      if (wrong > 0) {
        const repo = random.pick(repos)
        return {
          args: { owner: 'acme', repo, number: (newest.get(repo) ?? 1) + random.between(50, 900) },
          body: { pullRequest: null },
          latencyMs,
        }
      }
      const pull = chosen(atMs)
      current = pull
      worked(pull, atMs)
      const pushed = randomOf(seedOf(world, pull.repo, pull.number, pull.commits))
      const total = { platform: 14, web: 9, infra: 5, docs: 2, sdk: 11 }[pull.repo] ?? 3
      const ranMs = pushed.about(7, 0.5) * 60_000
      const failed = pull.mergedMs === null && pushed.chance(0.25) ? pushed.between(1, Math.min(3, total)) : 0
      const share = pull.mergedMs === null ? Math.min(1, (atMs - pull.pushedMs) / ranMs) : 1
      const state = share < 1 ? 'pending' : failed > 0 ? 'failure' : 'success'
      const failures = Array.from({ length: share < 0.6 ? 0 : failed }, () => ({
        name: pushed.pick(['test', 'lint', 'build', 'e2e']),
        conclusion: pushed.chance(0.1) ? 'timed_out' : 'failure',
        summary: pushed.pick(['Process completed with exit code 1.', 'The operation was canceled.', '3 tests failed']),
      }))
      return {
        args: { owner: 'acme', repo: pull.repo, number: pull.number },
        body: {
          pullRequest: {
            number: pull.number,
            title: pull.title,
            state: pull.mergedMs === null ? 'open' : 'closed',
            draft: pull.isDraft,
            merged: pull.mergedMs !== null,
            mergeable: pull.mergedMs !== null || atMs - pull.pushedMs < 12_000 ? null : !pushed.chance(0.07),
            user: pull.by,
            body: pull.text,
            labels: pull.labels,
            reviews: Array.from({ length: pull.approved }, (_, index) => ({ user: `reviewer${index + 1}`, state: 'APPROVED' })),
            commits: pull.commits,
            changedFiles: pull.changed,
            comments: pull.comments,
            head: {
              ref: `${pull.by.replace('[bot]', '')}/${pull.number}`,
              sha: seedOf(world, pull.repo, pull.number, pull.commits).toString(16).padStart(8, '0'),
            },
            checks: { state, total, completed: Math.floor(share * total), failures },
            updatedAt: new Date(pull.mergedMs ?? pull.pushedMs).toISOString(),
            mergedAt: pull.mergedMs === null ? null : new Date(pull.mergedMs).toISOString(),
          },
        },
        latencyMs,
      }
    }
  },
}
