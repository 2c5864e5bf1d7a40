import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { now } from "../app/clock.ts";
import { act } from "../app/toasts.tsx";
import { ageText, instantText } from "../format/times.ts";
import { plain } from "../text/inline.tsx";

/** The age of an instant, which stays right; the instant itself as its title. */
export function Age({ at }: { at: string | null | undefined }): JSX.Element {
  if (!at) return <span class="faint">never</span>;
  return (
    <time dateTime={at} title={instantText(at)}>
      {ageText(now.value - Date.parse(at))}
    </time>
  );
}

export type Tone = "needs" | "good" | "quiet" | "bad" | "info";

/** A state as a word with a colour. */
export function Badge({
  tone,
  children,
  title,
}: {
  tone: Tone;
  children: ComponentChildren;
  title?: string;
}): JSX.Element {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** The head of a page: title, what it shows in a sentence, actions. The title is that of the window, too. */
export function PageHead({
  title,
  badge,
  note,
  children,
}: {
  title: string;
  /** Behind the title. */
  badge?: ComponentChildren;
  note?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  useEffect(() => {
    document.title = `${plain(title)} · Wharf`;
  }, [title]);
  return (
    <header class="page-head">
      <div>
        <h1>
          {title} {badge}
        </h1>
        {note && <p class="faint">{note}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

/** Names and values of one thing; without those that it has not. */
export function Facts({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Copies a text. */
export function Copy({ text, children }: { text: string; children?: ComponentChildren }): JSX.Element {
  return (
    <button type="button" class="small" onClick={() => void act(() => copy(text), "Copied.")}>
      {children ?? "Copy"}
    </button>
  );
}

async function copy(text: string): Promise<void> {
  // Only https and localhost have a clipboard.
  if (navigator.clipboard === undefined)
    throw new Error("The browser allows copying only over https. Select the text and copy it.");
  await navigator.clipboard.writeText(text);
}

/** One of a few values, as buttons. */
export function Choice<Value extends string>({
  label,
  values,
  value,
  onChange,
}: {
  label: string;
  values: readonly { value: Value; text: string; key?: string }[];
  value: Value;
  onChange: (value: Value) => void;
}): JSX.Element {
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">{label}</legend>
      {values.map((one) => (
        <button
          key={one.value}
          type="button"
          aria-pressed={one.value === value}
          onClick={() => onChange(one.value)}
        >
          {one.text}
          {one.key && <kbd>{one.key}</kbd>}
        </button>
      ))}
    </fieldset>
  );
}

/** A number with its name; a link to the rows that it counts. */
export function Stat({
  name,
  children,
  href,
  note,
}: {
  name: string;
  children: ComponentChildren;
  href?: string;
  note?: ComponentChildren;
}): JSX.Element {
  const content = (
    <>
      <span class="stat-value">{children}</span>
      <span class="stat-name">{name}</span>
      {note && <span class="faint">{note}</span>}
    </>
  );
  return href === undefined ? (
    <div class="stat">{content}</div>
  ) : (
    <a class="stat" href={href}>
      {content}
    </a>
  );
}

/** A text of the hub, in which commands are in backquotes. */
export function WithCode({ text }: { text: string }): JSX.Element {
  return (
    <>{text.split("`").map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part))}</>
  );
}
