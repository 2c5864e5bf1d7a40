{
  [ -e "$wharf_data/codex.hooks" ] || : >"$wharf_data/codex.hooks"
  wharf_put codex "config=$CODEX_HOME"
  wharf_start_unless_running
} >/dev/null 2>&1
exit 0
