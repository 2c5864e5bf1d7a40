/** Calls `build` at the first use and keeps its result; a failed build is repeated at the next use. */
export function builtOnce<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined;

  return async function getBuilt() {
    built ??= build();
    try {
      return await built;
    } catch (error) {
      built = undefined;
      throw error;
    }
  };
}
