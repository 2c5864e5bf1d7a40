import { computed, signal } from "@preact/signals";
import { GALLERY_PATH, PAGE_PATHS, type PagePath } from "../../served/pages.ts";

const PATTERNS: readonly PagePath[] = [...PAGE_PATHS, GALLERY_PATH];

/** The address shown, without its origin. */
const address = signal(currentAddress());

export const path = computed(() => new URL(address.value, location.origin).pathname);
/** The parameters of the query; filters and densities of a page are here, so that an address can be shared. */
export const query = computed(() => new URL(address.value, location.origin).searchParams);

export type Match = { pattern: PagePath; params: Readonly<Record<string, string>> };

/** The page of the address; null for none. */
export const match = computed<Match | null>(() => matchPath(path.value));

/** Follows links and the back button without loading the document again. */
export function startRouter(): void {
  navigation.addEventListener("navigate", (event) => {
    const url = new URL(event.destination.url);
    if (!event.canIntercept || event.hashChange || event.downloadRequest !== null) return;
    if (url.origin !== location.origin || matchPath(url.pathname) === null) return;
    const isOtherPage = url.pathname !== location.pathname;
    event.intercept({
      focusReset: isOtherPage ? "after-transition" : "manual",
      scroll: isOtherPage ? "after-transition" : "manual",
      handler: async () => {
        address.value = url.pathname + url.search;
      },
    });
  });
}

export function go(href: string): void {
  navigation.navigate(href);
}

/** Replaces parameters of the query in place; null and empty values are removed. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const url = new URL(address.value, location.origin);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  navigation.navigate(url.pathname + url.search, { history: "replace" });
}

/** An address with parameters; empty values are left out. */
export function href(
  pathname: string,
  parameters: Readonly<Record<string, string | null | undefined>> = {},
): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value ? [[name, value] as [string, string]] : [],
  );
  const text = new URLSearchParams(given).toString();
  return text === "" ? pathname : `${pathname}?${text}`;
}

function matchPath(pathname: string): Match | null {
  for (const pattern of PATTERNS) {
    const params = paramsOf(pattern, pathname);
    if (params !== null) return { pattern, params };
  }
  return null;
}

function paramsOf(pattern: string, pathname: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = pathname.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":") && value !== "") params[part.slice(1)] = decoded(value);
    else if (part !== value) return null;
  }
  return params;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function currentAddress(): string {
  return location.pathname + location.search;
}
