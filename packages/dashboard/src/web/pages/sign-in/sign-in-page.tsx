import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { me, signIn } from "../../app/hub.ts";
import { go, query } from "../../app/router.ts";
import { WithCode } from "../../ui/parts.tsx";

/** With a key, or with the token of a link that the server printed. */
export function SignInPage(): JSX.Element {
  const [key, setKey] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const token = query.value.get("token");

  async function submit(proof: { key: string } | { token: string }): Promise<void> {
    setIsBusy(true);
    setError(null);
    try {
      await signIn(proof);
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    } finally {
      setIsBusy(false);
    }
  }

  // A token works once.
  useEffect(() => {
    if (token !== null) void submit({ token });
  }, [token]);
  useEffect(() => {
    if (me.value) go(destination());
  }, [me.value]);

  return (
    <main class="sign-in">
      <h1>Wharf</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit({ key: key.trim() });
        }}
      >
        <label>
          Key
          <input
            type="password"
            name="key"
            autocomplete="current-password"
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
        {error !== null && (
          <p class="note error" role="alert">
            <WithCode text={error} />
          </p>
        )}
      </form>
      <p class="faint">
        A read key shows everything; the admin key changes things, too: the server prints where it is. On the
        server, <code>bun run sign-in</code> prints a link that works once.
      </p>
    </main>
  );
}

/** Only an address of this hub: browsers ignore tabs and line feeds, so that a path may name another site. */
function destination(): string {
  const to = URL.parse(query.value.get("to") ?? "/", location.origin);
  return to?.origin === location.origin ? to.href : "/";
}
