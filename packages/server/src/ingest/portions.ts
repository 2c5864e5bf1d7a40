/** The items in their order, by portions of at most `size_max` together; a larger item is a portion of its own. */
export function* portionsOf<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
  size_max: number,
): Generator<Item[]> {
  let portion: Item[] = [];
  let size = 0;
  for (const item of items) {
    const more = sizeOf(item);
    if (portion.length > 0 && size + more > size_max) {
      yield portion;
      portion = [];
      size = 0;
    }
    portion.push(item);
    size += more;
  }
  if (portion.length > 0) yield portion;
}
