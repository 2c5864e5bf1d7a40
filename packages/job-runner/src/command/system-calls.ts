import { dlopen, FFIType, ptr } from "bun:ffi";

const ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";
/** glibc's, and musl's. */
const LIBRARIES = ["libc.so.6", `libc.musl-${ARCHITECTURE}.so.1`];
const PR_SET_CHILD_SUBREAPER = 36;
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;

export type SystemCalls = {
  /** Makes this process adopt orphaned descendants instead of init, so that none leaves the tree. */
  adoptOrphans(): boolean;
  /** Returns [read end, write end]. */
  openPipe(): readonly [number, number] | undefined;
  /** Reaps a dead child that this process adopted. */
  reap(pid: number): void;
};

/** System calls that Bun does not offer; undefined on systems other than Linux, and without a known libc. */
export function openSystemCalls(): SystemCalls | undefined {
  if (process.platform !== "linux") return undefined;
  for (const library of LIBRARIES) {
    try {
      return bind(library);
    } catch {
      // Another libc has another name.
    }
  }
  return undefined;
}

function bind(library: string): SystemCalls {
  const { u64, i32 } = FFIType;
  const { symbols } = dlopen(library, {
    prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
    pipe2: { args: [FFIType.ptr, i32], returns: i32 },
    waitpid: { args: [i32, FFIType.ptr, i32], returns: i32 },
  });

  function openPipe() {
    const ends = new Int32Array(2);
    if (symbols.pipe2(ptr(ends), O_CLOEXEC) !== 0) return undefined;
    return [ends[0] ?? -1, ends[1] ?? -1] as const;
  }

  return {
    adoptOrphans: () => symbols.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0,
    openPipe,
    reap: (pid) => void symbols.waitpid(pid, null, WNOHANG),
  };
}
