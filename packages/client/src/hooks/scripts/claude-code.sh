{
  wharf_put claude-code "config=$CLAUDE_CONFIG_DIR"
  wharf_start_unless_running
} >/dev/null 2>&1
exit 0
