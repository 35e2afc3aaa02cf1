// What a policy whose scope matches comes to, where all that it reads is known.

import type { CompiledPolicy } from '../compile/compile.ts'
import { Fault } from '../values/fault.ts'
import type { Evaluation } from './evaluation.ts'
import type { Judgement } from './interpret.ts'
import { FAILS, HOLDS, LACKS } from './outcomes.ts'

const HELD: Judgement = { outcomes: HOLDS, message: '' }
const LACKED: Judgement = { outcomes: LACKS, message: '' }

/** Runs the generated code. */
export function judge({ test, constants }: CompiledPolicy, evaluation: Evaluation): Judgement {
  try {
    return test(constants, evaluation) ? HELD : LACKED
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { outcomes: FAILS, message: fault.message }
  }
}
