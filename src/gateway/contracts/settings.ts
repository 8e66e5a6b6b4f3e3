// Settings of the contracts of tools. A leaf.
import { z } from 'zod'

/** Of one server. */
export const governanceSettings = z.strictObject({
  admit: z
    .enum(['locked', 'firstUse', 'open'])
    .optional()
    .describe(
      'Which of its tools are let in: `locked`, those that the lock file (`versions.lock`) has or an operator has approved; `firstUse`, those that are seen first, and of their changes what breaks nobody; `open`, whatever it lists, written down all the same. Default: `firstUse`; in the production profile `locked` as soon as there is a lock file.',
    ),
  owner: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Who answers for it: shown beside its tools, and in what is told of their changes.'),
  environment: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, { error: 'a name of 1 to 32 characters: a-z, 0-9, -' })
    .default('default')
    .describe('Which of several installations of the server this is, such as `staging`: contracts are kept for each apart.'),
})

export const versionSettings = z.strictObject({
  reading: z
    .enum(['declared', 'strict'])
    .default('declared')
    .describe(
      'What callers are taken to send: `declared`, arguments that the schema names, so that a new optional one breaks nobody; `strict`, whatever the schema lets pass.',
    ),
  drift: z
    .strictObject({
      breaking: z
        .enum(['hold', 'adopt'])
        .default('hold')
        .describe(
          'A change that breaks callers: `hold` shows the old contract, and refuses or translates its calls until an operator approves; `adopt` shows the new one, and refuses or translates calls of who has read the old one.',
        ),
      additive: z
        .enum(['adopt', 'hold'])
        .default('adopt')
        .describe('A change that breaks nobody: shown at once, or once an operator approves.'),
      prose: z
        .enum(['screen', 'adopt', 'hold'])
        .default('screen')
        .describe(
          'Other words: `screen` shows them where nothing suspicious is found in them, `adopt` at once, `hold` once an operator approves. With `adopt` the words of tools that are seen first are not looked at either.',
        ),
    })
    .prefault({})
    .describe('What becomes of changes of tools that were let in.'),
  lock: z
    .string()
    .min(1)
    .default('tools.lock.json')
    .describe('The lock file that `signalbox tools lock` writes, beside the configuration file.'),
})

export type VersionSettings = z.infer<typeof versionSettings>
