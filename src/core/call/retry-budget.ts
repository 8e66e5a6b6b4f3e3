// How often calls to one upstream are sent again: a tenth of the calls, so that an upstream in trouble has at most a tenth more to do, also
// right after the start and after a long quiet time.

/** Calls that earn one repeat. */
const price = 10
/** Calls counted in advance, so that a first one can be repeated: as many that begin then earn nothing. */
const advance = 2 * price
/** Calls that are counted at most while nothing is repeated. */
const most = 20 * price

export class RetryBudget {
  private calls = advance
  private owed = advance

  /** A call begins. */
  earn(): void {
    if (this.owed > 0) this.owed -= 1
    else if (this.calls < most) this.calls += 1
  }

  spend(): boolean {
    if (this.calls < price) return false
    this.calls -= price
    return true
  }
}
