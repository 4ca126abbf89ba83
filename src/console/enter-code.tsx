/** Asks for the code of a console that was started on this machine. */
export function EnterCode({ action, problem }: { readonly action: string; readonly problem: string | undefined }) {
  return (
    <form method="post" action={action} class="fields">
      <p>This console is for the person who started it. Its terminal names a file that holds the code.</p>
      <div class="field">
        <label for="code">Code</label>
        {problem !== undefined && (
          <p class="problem" id="code-problem" role="alert">
            {problem}
          </p>
        )}
        <input
          id="code"
          name="code"
          type="password"
          required
          maxLength={100}
          autocomplete="off"
          aria-describedby={problem === undefined ? undefined : 'code-problem'}
        />
      </div>
      <button class="main" type="submit">
        Continue
      </button>
    </form>
  );
}
