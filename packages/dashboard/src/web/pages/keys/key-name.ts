import type { NamedKey } from "@wharf/protocol";

export function keyName({ name, last4 }: Pick<NamedKey, "name" | "last4">): string {
  return name ?? `key …${last4}`;
}
