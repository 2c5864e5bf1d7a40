# Shared by all hooks. The time of the hook is the file's time of modification.
wharf_data=@DATA@
wharf_command=@COMMAND@

# wharf_put NAME [FIELD=VALUE…]: standard input becomes a spool file: fields, each ended by NUL, an empty field, the input.
wharf_put() {
  umask 077
  # The sender leaves this file while the spool has its full size. Its counterpart gets a byte for each hook that is refused.
  if [ -e "$wharf_data/spool.full" ]; then
    cat >/dev/null
    printf . >>"$wharf_data/spool.refused"
    return 0
  fi
  wharf_id=
  { IFS= read -r wharf_id </proc/sys/kernel/random/uuid; } || wharf_id=$$-$PPID
  wharf_file=$1.$wharf_id
  shift
  # Without /proc a process number may come a second time, while the first file still waits.
  while [ -e "$wharf_data/spool/$wharf_file" ]; do wharf_file=${wharf_file}0; done
  # A full disk can refuse the fields alone.
  { printf 'wharf=1\0pwd=%s\0' "$PWD" && { [ $# -eq 0 ] || printf '%s\0' "$@"; } && printf '\0' && cat; } \
    >"$wharf_data/spool/.$wharf_file" || { rm -f "$wharf_data/spool/.$wharf_file"; return 0; }
  mv "$wharf_data/spool/.$wharf_file" "$wharf_data/spool/$wharf_file"
}

# The sender leaves its process number, and removes it before it looks at the spool for the last time.
wharf_start_unless_running() {
  { IFS= read -r wharf_pid <"$wharf_data/sender.pid" && kill -0 "$wharf_pid"; } || wharf_start
}

# In another directory: a runtime may run or read what is in this one.
wharf_start() {
  { cd / && exec "$wharf_command" send --background; } </dev/null >/dev/null 2>&1 &
}

# Sets wharf_parents: the processes above this one, nearest first, where the system shows them.
wharf_find_parents() {
  wharf_parents=
  wharf_parent=$PPID
  while [ "$wharf_parent" -gt 1 ] && IFS= read -r wharf_stat <"/proc/$wharf_parent/stat"; do
    wharf_parents="$wharf_parents $wharf_parent"
    set -- ${wharf_stat##*) }
    wharf_parent=$2
  done
}
