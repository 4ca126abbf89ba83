/** Instead of a page when the login is over. A form that was on its way is kept in the page, to be sent again afterwards. */
export function SignedOut({
  action,
  fields,
  signIn,
  hint,
  wasSent,
}: {
  readonly action: string;
  readonly fields: URLSearchParams;
  readonly signIn: string | undefined;
  readonly hint: string | undefined;
  readonly wasSent: boolean;
}) {
  return (
    <div class="told">
      <p>{wasSent ? 'Your login has ended, so nothing of your form has been done yet.' : 'Your login has ended.'}</p>
      {hint !== undefined && <p>{hint}</p>}
      {signIn !== undefined && (
        <p>
          <a class="button" href={signIn} target={wasSent ? '_blank' : undefined} rel="noopener">
            {wasSent ? 'Sign in (in another tab)' : 'Sign in'}
          </a>
        </p>
      )}
      {wasSent && (
        <form method="post" action={action}>
          {[...fields].map(([name, value], at) => (
            <input key={`${name}-${at}`} type="hidden" name={name} value={value} />
          ))}
          <button class="main" type="submit">
            Then send the form again
          </button>
        </form>
      )}
    </div>
  );
}
