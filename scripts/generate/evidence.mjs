// The table of evidence in docs/faults.md: every row, and what `sendAgain` decides for it.

const says = { not_sent: 'not sent', refused: 'not begun', unknown: 'nobody knows' }
const random = { fraction: () => 0 }

/** `load` imports from dist/. */
export async function evidenceTable(load) {
  const { evidence } = await load('core/faults/evidence.js')
  const { fault } = await load('core/faults/catalogue.js')
  const { mostAttempts, sendAgain } = await load('core/call/again.js')

  const decided = (found, repeatable) => {
    const tried = { repeatable, attempts: 1, renewed: [], heard: false, remainingMs: 60_000 }
    const again = sendAgain(fault('upstream_error', {}, { evidence: found }), tried, random)
    if (again === undefined) return 'no'
    const renewed = again.renew === undefined ? '' : `, new ${again.renew}`
    return again.budgeted ? `after a pause${renewed}` : `once, at once${renewed}`
  }
  const rows = Object.values(evidence).map(
    (found) =>
      `| \`${found.name}\` | ${found.seen} | ${says[found.execution]}: ${found.why} | ${decided(found, false)} | ${decided(found, true)} | ${found.health} |`,
  )
  return `Where a call brings no result, the exit says what it knows of it, as one of the rows below, and one function (\`sendAgain\`, \`src/core/call/again.ts\`)
decides from it whether the call is sent again. \`side_effect\` is \`none\` only where nothing was sent or begun, and \`unknown\` otherwise. A write
is sent again only where it was not executed. A read is \`prompts/get\`, \`resources/read\`, a completion or a list; which tools may be called twice
is below. Where configuration says \`retry: never\` of a tool, none of it is sent again.

At most ${mostAttempts} attempts. A pause is by chance between nothing and 20 ms, doubled each time; where the upstream asks for a time, that and up to a
quarter more by chance, if the deadline allows. Repeats after a pause come from a budget of a tenth of the calls to that server: two are
there at the start, and at most 20 are saved. Where the server has several \`endpoints\` and nothing speaks against another, what would be sent
again after a pause is sent there at once, and costs no budget. Every sending is an attempt: it stands in the record, counts in \`signalbox_retries_total\`, passes circuit
breaker and queue, and shares the deadline of the call. Where an earlier attempt may have been executed, or the caller heard progress of it, \`side_effect\`
is \`unknown\` whatever the last attempt says, and a write is not sent again. The same signals while the connection is being made (probe, \`initialize\`) leave the
call itself not sent. A new credential is taken only where another can be had.

| Evidence | What was seen | What it says of execution | A write is sent again | A read, or what may be repeated | Circuit breaker |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}
