import { signal } from "@preact/signals";
import type { ComponentChildren, ComponentType, JSX } from "preact";
import { useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Empty, ErrorNote } from "../ui/states.tsx";
import { me, readMe, signOut } from "./hub.ts";
import { connection } from "./live.ts";
import { MENU, PAGES, type PageProps } from "./pages.ts";
import { go, href, match, path } from "./router.ts";
import { ShortcutList } from "./shortcut-list.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { Toasts } from "./toasts.tsx";

const isListShown = signal(false);

/** Menu, connection state and the page of the address. */
export function Shell(): JSX.Element {
  const [failure, setFailure] = useState<Error | null>(null);
  const readAgain = () => {
    setFailure(null);
    readMe().catch(setFailure);
  };
  useShortcuts([
    ...MENU.map(({ href, key }) => ({
      keys: `g ${key}`,
      label: `Go to ${PAGES[href].title}`,
      run: () => go(href),
    })),
    { keys: "?", label: "Show the shortcuts", run: () => (isListShown.value = !isListShown.value) },
    { keys: "mod+k", label: "Search", run: () => go("/search") },
    { keys: "/", label: "Search", run: () => go("/search") },
  ]);

  const isSigningIn = path.value === "/sign-in";
  useEffect(() => {
    if (!isSigningIn && me.value === undefined) readAgain();
  }, [isSigningIn]);
  useEffect(() => {
    if (me.value === null && !isSigningIn) go(href("/sign-in", { to: location.pathname + location.search }));
  }, [me.value, isSigningIn]);

  if (failure !== null && me.value === undefined) return <ErrorNote error={failure} onRetry={readAgain} />;
  if (isSigningIn) return <CurrentPage />;
  if (!me.value) return <p class="page-wait">Loading …</p>;
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Menu />
      <main id="main" tabIndex={-1}>
        <ConnectionNote />
        <CurrentPage />
      </main>
      {isListShown.value && <ShortcutList onClose={() => (isListShown.value = false)} />}
      <Toasts />
    </div>
  );
}

function Menu(): JSX.Element {
  // On a narrow window the pages are behind a button; on others they are always shown.
  const pages = useRef<HTMLDivElement>(null);
  useEffect(() => pages.current?.hidePopover(), [path.value]);
  return (
    <nav class="menu" aria-label="Pages">
      <a class="brand" href="/">
        Wharf
      </a>
      <button type="button" class="menu-button" popovertarget="menu-pages">
        Menu
      </button>
      <div id="menu-pages" class="menu-pages" popover="auto" ref={pages}>
        <ul>
          {MENU.map(({ href, key, isMinor }) => (
            <li key={href} class={isMinor ? "minor" : undefined}>
              <a
                href={href}
                aria-current={isCurrent(href) ? "page" : undefined}
                aria-label={PAGES[href].title}
              >
                {PAGES[href].title}
                <kbd>g {key}</kbd>
              </a>
            </li>
          ))}
        </ul>
        <p class="menu-foot">
          <a href="/docs">API</a>
          <button type="button" class="link" onClick={() => (isListShown.value = true)}>
            Shortcuts <kbd>?</kbd>
          </button>
          <button type="button" class="link" onClick={() => void signOut()}>
            Sign out
          </button>
        </p>
      </div>
    </nav>
  );
}

function isCurrent(href: string): boolean {
  return href === "/" ? path.value === "/" : path.value === href || path.value.startsWith(`${href}/`);
}

function ConnectionNote(): JSX.Element | null {
  if (connection.value !== "lost") return null;
  return (
    <p class="note warning" role="status">
      The connection to the hub is lost. This page shows the last known state and catches up when the hub
      responds.
    </p>
  );
}

const loaded = new Map<string, ComponentType<PageProps>>();

/** Loads the page's script once; the page before stays until it is there. */
function CurrentPage(): JSX.Element {
  const found = match.value;
  const [shown, setShown] = useState<{ pattern: string; Page: ComponentType<PageProps> } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const pattern = found?.pattern;

  // Until the page is read and has a title of its own.
  useLayoutEffect(() => {
    document.title = `${pattern === undefined ? "No page" : PAGES[pattern].title} · Wharf`;
  }, [path.value]);
  useEffect(() => {
    if (pattern === undefined) return;
    setError(null);
    const known = loaded.get(pattern);
    if (known !== undefined) return setShown({ pattern, Page: known });
    let isStale = false;
    PAGES[pattern].load().then(
      (Page) => {
        loaded.set(pattern, Page);
        if (!isStale) setShown({ pattern, Page });
      },
      (reason: unknown) => setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
    return () => {
      isStale = true;
    };
  }, [pattern]);

  if (error !== null) return <ErrorNote error={error} onRetry={() => location.reload()} />;
  if (found === null)
    return (
      <Empty title="There is no such page.">
        <p>
          <a href="/">Now</a> shows what runs on all machines.
        </p>
      </Empty>
    );
  if (shown === null || shown.pattern !== found.pattern) return <p class="page-wait">Loading …</p>;
  return (
    <Guarded key={JSON.stringify(found)}>
      <shown.Page params={found.params} />
    </Guarded>
  );
}

/** A page that fails states it, and leaves the menu and all other pages as they are. */
function Guarded({ children }: { children: ComponentChildren }): ComponentChildren {
  const [error, reset] = useErrorBoundary();
  if (error === undefined) return children;
  return <ErrorNote error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />;
}
