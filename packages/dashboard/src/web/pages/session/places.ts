import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { setQuery } from "../../app/router.ts";

/** Chunks above the target get their height when they come into view, which moves it. */
const CORRECTIONS = 4;
const FOUND_MS = 2_000;
/** Between the list of found messages and the message. */
const BELOW_PX = 12;

/** So near to its end, in pixels, one reads what is written now. */
const END_PX = 120;

/** Counts jumps: one may go to the same message again. */
export const jumps = signal(0);

/** Scrolls to a message, which the address names. */
export function showMessage(id: string): void {
  setQuery({ around: id, show: null });
  jumps.value += 1;
}

export function isAtEnd(): boolean {
  return scrollY + innerHeight >= document.documentElement.scrollHeight - END_PX;
}

/** Shows the element of a message in the middle of the window, or below the list of found messages, and marks it for a moment. */
export function scrollToMessage(list: HTMLElement, id: string): void {
  const name = CSS.escape(id);
  const element = list.querySelector<HTMLElement>(`[data-message="${name}"], [data-result="${name}"]`);
  if (element === null) return;
  for (
    let fold = element.parentElement?.closest("details");
    fold;
    fold = fold.parentElement?.closest("details")
  )
    fold.open = true;
  let left = CORRECTIONS;
  const scroll = () => {
    const covered = heightOfHits();
    element.style.scrollMarginTop = covered === null ? "" : `${covered + BELOW_PX}px`;
    const isAtTop = covered !== null || element.classList.contains("prompt");
    element.scrollIntoView({ block: isAtTop ? "start" : "center" });
    left -= 1;
    if (left > 0) requestAnimationFrame(scroll);
  };
  scroll();
  element.classList.add("found");
  setTimeout(() => element.classList.remove("found"), FOUND_MS);
}

/** What the list of found messages covers, together with the bar from which it hangs and all above it; null while there is none. */
function heightOfHits(): number | null {
  const hits = document.querySelector(".hits")?.getBoundingClientRect();
  const bar = document.querySelector(".session-bar");
  if (hits === undefined || bar === null) return null;
  const { top, bottom } = bar.getBoundingClientRect();
  return Math.max(hits.bottom, bottom) - top + stickyTop(bar);
}

/** Where the element stays when one scrolls on. */
function stickyTop(element: Element): number {
  return Number.parseFloat(getComputedStyle(element).top);
}

/** The id of the message below the bar on top of the window; null at the head of the page. */
export const topMessage = signal<string | null>(null);

/** Keeps `topMessage` right while one scrolls. */
export function useTopMessage(): void {
  useEffect(() => {
    let isWaiting = false;
    const read = () => {
      isWaiting = false;
      topMessage.value = messageAtTop();
    };
    const later = () => {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(read);
    };
    addEventListener("scroll", later, { passive: true });
    return () => {
      removeEventListener("scroll", later);
      topMessage.value = null;
    };
  }, []);
}

function messageAtTop(): string | null {
  const bar = document.querySelector(".session-bar");
  if (bar === null) return null;
  const { left, width, bottom, top } = bar.getBoundingClientRect();
  if (top > stickyTop(bar) + 1) return null;
  for (const below of [12, 36, 72]) {
    const element = document.elementFromPoint(left + width / 2, bottom + below)?.closest("[data-message]");
    const id = element?.getAttribute("data-message");
    if (id) return id;
  }
  return topMessage.peek();
}

/** Opens or closes the fold that has the focus, or the first one in view that lies below the bar. */
export function toggleFold(): void {
  const focused = document.activeElement?.closest<HTMLDetailsElement>(".session-middle details");
  const bar = document.querySelector(".session-bar")?.getBoundingClientRect().bottom ?? 0;
  const folds = [...document.querySelectorAll<HTMLDetailsElement>(".session-middle details")];
  const fold = focused ?? folds.find((one) => one.getBoundingClientRect().top >= bar);
  if (!fold) return;
  fold.open = !fold.open;
  fold.querySelector("summary")?.focus({ preventScroll: true });
}

/** Focuses the fold behind or before the one that has the focus. */
export function moveToFold(step: 1 | -1): void {
  const folds: Element[] = [...document.querySelectorAll(".session-middle summary")];
  const bar = document.querySelector(".session-bar")?.getBoundingClientRect().bottom ?? 0;
  const focused = document.activeElement === null ? -1 : folds.indexOf(document.activeElement);
  const seen = folds.findIndex((one) => one.getBoundingClientRect().top >= bar);
  const next = folds[focused === -1 ? seen : Math.min(Math.max(focused + step, 0), folds.length - 1)];
  if (next instanceof HTMLElement) next.focus();
}
