/** Where a person enters the code that a program showed them, and says that it is theirs (RFC 8628, 3.3). */
import { html } from './html.ts'
import { codeWarning, page, problem } from './pages.ts'

export interface EnterCodePage {
  readonly action: string
  readonly csrf: string
  /** What was entered or came with the address. */
  readonly code?: string | undefined
  readonly problem?: string | undefined
}

export function enterCodePage(view: EnterCodePage): string {
  const invalid =
    view.problem === undefined ? undefined : html` aria-describedby="problem" aria-invalid="true"`
  return page({
    title: 'Enter a code',
    body: html`<h1>Enter the code</h1>
      <p>that a program on your own device shows you, to let it act for you.</p>
      ${problem(view.problem)}
      <form method="post" action="${view.action}">
        <input type="hidden" name="xsrf" value="${view.csrf}">
        <label for="code">Code</label>
        <input id="code" name="user_code" value="${view.code}" class="code" autocomplete="off" autocapitalize="characters"
          autocorrect="off" spellcheck="false" maxlength="20" required autofocus${invalid}>
        ${codeWarning()}
        <div class="buttons"><button class="primary">Continue</button></div>
      </form>`,
  })
}

export interface ConfirmCodePage {
  readonly action: string
  readonly csrf: string
  readonly code: string
  readonly client: string
  readonly server: string
}

export function confirmCodePage(view: ConfirmCodePage): string {
  return page({
    title: 'Is this your code?',
    body: html`<h1>Does your device show this code?</h1>
      <p class="code"><strong>${view.code}</strong></p>
      <dl>
        <dt>Program</dt>
        <dd><bdi>${view.client}</bdi> <small>The program chose this name itself; nobody has checked it.</small></dd>
        <dt>Server</dt>
        <dd><strong><bdi>${view.server}</bdi></strong></dd>
      </dl>
      ${codeWarning()}
      <form method="post" action="${view.action}">
        <input type="hidden" name="xsrf" value="${view.csrf}">
        <input type="hidden" name="user_code" value="${view.code}">
        <div class="buttons">
          <button class="primary" name="confirm" value="yes">Yes, continue</button>
          <button name="abort" value="yes">No, cancel</button>
        </div>
      </form>`,
  })
}
