/**
 * The one script of the pages, for passkeys: it asks us what to ask the authenticator, and sends the answer as a form.
 * Without it, or where a browser has no passkeys, the pages offer what is left.
 */

export const PASSKEY_SCRIPT = `'use strict';
(() => {
  const form = document.querySelector('form[data-passkey]');
  const parse = window.PublicKeyCredential?.[form?.dataset.passkey === 'create'
    ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'];
  if (form === null || parse === undefined) return;
  const section = form.closest('section');
  const problem = section.querySelector('[role=alert]');
  const button = form.querySelector('button');
  section.hidden = false;

  const say = (text) => { problem.textContent = text; problem.hidden = text === ''; };

  async function optionsFor(name) {
    const body = new URLSearchParams({ csrf: form.elements.csrf?.value ?? '', action: 'passkey-options', name });
    const response = await fetch(form.getAttribute('action') ?? location.pathname, { method: 'POST', body });
    if (!response.ok) throw new Error((await response.json()).problem);
    return parse.call(PublicKeyCredential, await response.json());
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    say('');
    button.disabled = true;
    try {
      const publicKey = await optionsFor(document.querySelector('input#name')?.value.trim() ?? '');
      const credential = form.dataset.passkey === 'create'
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (thrown) {
      const known = {
        NotAllowedError: 'No passkey was used. Try again, or use a password.',
        InvalidStateError: 'This device has a passkey for you already.',
      };
      say(known[thrown.name] ?? ('It did not work: ' + thrown.message));
      button.disabled = false;
    }
  });
})();
`
