# SessionStart: git hooks of the session learn its id from the file that the agent reads for its shell.
{
  wharf_input=$(cat)
  wharf_session=${wharf_input#*\"session_id\"}
  wharf_session=${wharf_session#*\"}
  wharf_session=${wharf_session%%\"*}
  case $wharf_session in
    '' | *[!A-Za-z0-9_-]*) ;;
    *) [ -z "$CLAUDE_ENV_FILE" ] || printf 'export WHARF_SESSION_ID=%s\n' "$wharf_session" >>"$CLAUDE_ENV_FILE" ;;
  esac
  wharf_find_parents
  printf '%s' "$wharf_input" | wharf_put claude-code "config=$CLAUDE_CONFIG_DIR" "parents=$wharf_parents"
  # Rare enough to be done always: the process number of a sender that was killed may belong to another program.
  wharf_start
} >/dev/null 2>&1
exit 0
