/**
 * The helper of `acquireGuardian`, for any POSIX sh (run with dash and BusyBox). $1 lock file, $2 grace in tenths of
 * a second, $3 `flock` or `none`. `kill -TERM -PGID` is the one spelling that both shells take.
 *
 *   lock ──"L"──▶ listening (+pgid, -pgid) ──EOF──▶ TERM and CONT ──grace──▶ KILL ──▶ exit (the lock falls)
 */
export const GUARDIAN_SCRIPT = `
exec 9>>"$1" || exit 74
if [ "$3" = flock ]; then flock -n 9 || exit 75; fi
trap '' INT HUP TERM
echo L
exec >/dev/null
groups=' '
while read -r line; do
  g=\${line#?}
  case $g in ''|*[!0-9]*) continue ;; esac
  case $line in
    +*) groups="$groups$g " ;;
    -*) case $groups in *" $g "*) groups="\${groups%% $g *} \${groups#* $g }" ;; esac ;;
  esac
done
for g in $groups; do
  kill -TERM "-$g"
  kill -CONT "-$g"
done 2>/dev/null
i=0
while [ "$i" -lt "$2" ]; do
  alive=
  for g in $groups; do
    if kill -0 "-$g" 2>/dev/null; then alive="$alive $g"; fi
  done
  groups=$alive
  [ -z "$groups" ] && exit 0
  sleep 0.1 9>&- 2>/dev/null || sleep 1 9>&-
  i=$((i + 1))
done
for g in $groups; do kill -KILL "-$g"; done 2>/dev/null
sleep 0.1 9>&- 2>/dev/null
exit 0
`;
