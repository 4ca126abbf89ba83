// What pages do with scripts. All of them can be read and used without.
(() => {
  const each = (selector, act) => {
    for (const element of document.querySelectorAll(selector)) act(element);
  };

  // Panes come with the page; here they get what only a modal dialog has: the focus stays inside, and Escape closes it.
  each('dialog[data-modal]', (dialog) => {
    dialog.removeAttribute('open');
    dialog.showModal();
    dialog.addEventListener('close', () => location.replace(dialog.dataset.back));
  });

  // What a form has found out is read out, and is where the keyboard goes on.
  document.querySelector('[data-focus]')?.focus();

  // Back on the page, the focus is where it was: on what opened the pane.
  if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.focus();

  each('button[data-copy]', (button) => {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy);
      const told = document.querySelector(`[data-copied="${button.dataset.copy}"]`);
      try {
        await navigator.clipboard.writeText(source.textContent);
        told.textContent = 'Copied.';
      } catch {
        getSelection().selectAllChildren(source);
        told.textContent = 'Selected: copy it with the keyboard.';
      }
    });
  });

  each('select[data-submit]', (select) => {
    select.form.classList.add('scripted');
    select.addEventListener('change', () => select.form.requestSubmit());
  });

  // A secret is shown once: neither the browser's memory of the page nor going back shows it again.
  if (document.querySelector('[data-secret]')) {
    addEventListener('pagehide', () => each('[data-secret]', (element) => element.remove()));
    addEventListener('pageshow', (event) => {
      if (event.persisted) location.reload();
    });
  }

  // A list that goes on: what is new is asked for while somebody looks.
  each('[data-live]', (list) => {
    const state = document.getElementById(list.dataset.state);
    const ask = async () => {
      if (!document.hidden) {
        try {
          const response = await fetch(list.dataset.live + encodeURIComponent(list.dataset.cursor));
          if (!response.ok) throw new Error();
          list.dataset.cursor = response.headers.get('x-cursor') ?? list.dataset.cursor;
          const fresh = await response.text();
          if (fresh !== '') list.insertAdjacentHTML('afterbegin', fresh);
          while (list.children.length > 200) list.lastElementChild.remove();
          state.textContent = 'Live: new events appear here.';
        } catch {
          state.textContent = 'Not live: the console does not answer. Load the page again.';
        }
      }
      setTimeout(ask, 2000);
    };
    ask();
  });
})();
