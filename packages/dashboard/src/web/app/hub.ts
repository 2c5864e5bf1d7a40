import { signal } from "@preact/signals";
import { createClient, HubError } from "@wharf/client";
import type { KeyScope } from "@wharf/protocol";

/** The hub that served this page. The browser's cookie is the key. */
export const hub = createClient({ url: location.origin, key: null, compress: null });

export type Me = { scope: KeyScope; device_id: string | null };

/** Who is signed in: undefined while it is unknown, null if no one is. */
export const me = signal<Me | null | undefined>(undefined);

/** Reads who is signed in. An unreachable hub changes nothing. */
export async function readMe(): Promise<void> {
  try {
    me.value = await hub.http.json<Me>("/api/me");
  } catch (error) {
    if (error instanceof HubError && error.status === 401) me.value = null;
    else throw error;
  }
}

/** With a key, or with the token of a sign-in link. Throws HubError. */
export async function signIn(proof: { key: string } | { token: string }): Promise<void> {
  await hub.http.json("/api/sign-in", { method: "POST", json: proof });
  await readMe();
}

export async function signOut(): Promise<void> {
  await hub.http.json("/api/sign-out", { method: "POST" });
  me.value = null;
}

/** A read key sees everything and changes nothing. */
export function canChange(): boolean {
  return me.value?.scope === "admin";
}
