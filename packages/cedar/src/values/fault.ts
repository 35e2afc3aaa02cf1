// An evaluation error of Cedar: thrown by operations, caught by `decide` for each policy, never seen by callers.
// Not an Error: a policy that errors does so on every call, and capturing a stack would cost more than the decision.

export class Fault {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}
