# wharf_record HOOK [ARGUMENT…], called by the hooks of repositories, in a subshell of theirs.
wharf_record() {
  wharf_hook=$1
  shift
  wharf_head=
  wharf_sha=
  wharf_dir=${GIT_DIR:-.git}
  { IFS= read -r wharf_head <"$wharf_dir/HEAD"; } || :
  case $wharf_head in
    'ref: '*)
      wharf_common=$wharf_dir
      if IFS= read -r wharf_path <"$wharf_dir/commondir"; then
        case $wharf_path in /*) wharf_common=$wharf_path ;; *) wharf_common=$wharf_dir/$wharf_path ;; esac
      fi
      { IFS= read -r wharf_sha <"$wharf_common/${wharf_head#ref: }"; } || :
      ;;
    *) wharf_sha=$wharf_head ;;
  esac
  wharf_parents=
  [ -n "$WHARF_SESSION_ID" ] || wharf_find_parents
  wharf_put git "hook=$wharf_hook" "git_dir=$GIT_DIR" "head=$wharf_head" "sha=$wharf_sha" \
    "session=$WHARF_SESSION_ID" "parents=$wharf_parents" "first=$1" "second=$2" "third=$3"
  wharf_start_unless_running
}
