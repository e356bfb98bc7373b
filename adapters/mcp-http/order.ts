/** Messages have a request each, so they could overtake one another: those that come after some of them wait until the server has it. */
export class Order {
  #before: Promise<unknown> = Promise.resolve()

  /** Runs `go` when its turn has come. With `holds` what comes later waits until that has settled. @throws what `go` throws */
  async run(go: () => Promise<void>, { holds }: { readonly holds: boolean }): Promise<void> {
    const going = this.#before.then(go)
    if (holds) this.hold(going)
    await going
  }

  /** What comes from now on waits until this has settled. */
  hold(until: Promise<unknown>): void {
    this.#before = until.catch(() => {}) // told to who began it
  }
}
