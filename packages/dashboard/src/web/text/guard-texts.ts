import { Fragment, options } from "preact";
import { inline, plain } from "./inline.tsx";

/** Attributes that a browser shows or reads aloud. */
const SHOWN_ATTRIBUTES = ["title", "aria-label", "placeholder", "alt"] as const;

/**
 * From now on every text that is rendered passes through `inline`, and every attribute that is shown through `plain`, so that no page can
 * forget it. Preact calls `options.vnode` for each element and for each text; a text has no type, and is its own props.
 */
export function guardTexts(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    before?.(vnode);
    const { type, props }: { type: unknown; props: unknown } = vnode;
    if (typeof props === "string") {
      const shown = inline(props);
      if (shown !== props) Object.assign(vnode, { type: Fragment, props: { children: shown } });
    } else if (typeof type === "string") guardAttributes(vnode);
  };
}

function guardAttributes(vnode: { props: Readonly<Record<string, unknown>> }): void {
  for (const name of SHOWN_ATTRIBUTES) {
    const text = vnode.props[name];
    if (typeof text !== "string") continue;
    const shown = plain(text);
    if (shown !== text) vnode.props = { ...vnode.props, [name]: shown };
  }
}
