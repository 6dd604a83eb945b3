/**
 * The helper of `acquireGuardian`, for any POSIX sh (run with dash and BusyBox). $1 grace in steps of 20 ms, 0 for none,
 * $2 what the environment of our children holds, to find those that left their group. Descriptor 9 is its copy of the lock;
 * $3 and $4 are the pid and the lock file, which it removes while it holds that.
 * A target is `g<pgid>:<start>` or `p<pid>:<start>`, start being field 22 of /proc/PID/stat or nothing.
 * `kill -TERM -PGID` is the one spelling that both shells take; BusyBox's grep reads only the first entry of an environment
 * without -z, which not every build of it knows.
 *
 *   started ──"L"──▶ listening (+target, -target) ──EOF──▶ (TERM and CONT ──grace──▶) KILL, strays too ──all gone──▶ exit (the lock falls)
 *
 * A number that was given to somebody else meanwhile is left alone. A group whose first process is gone is still ours:
 * the kernel does not give its number away while it has members.
 */
export const GUARDIAN_SCRIPT = `
trap '' INT HUP TERM
echo L
exec >/dev/null 2>&1
targets=' '
while read -r line; do
  t=\${line#?}
  case $t in *[!gp0-9:]*|[!gp]*|?:*|?) continue ;; esac
  case $line in
    +*) targets="$targets$t " ;;
    -*) case $targets in *" $t "*) targets="\${targets%% $t *} \${targets#* $t }" ;; esac ;;
  esac
done

foreign() {
  start=$2
  [ -n "$start" ] || return 1
  { read -r stat <"/proc/$1/stat"; } || return 1
  case $stat in *') '*) ;; *) return 1 ;; esac
  set -- \${stat##*) }
  [ "\${20}" != "$start" ]
}

send() {
  for t in $targets; do
    n=\${t#?}
    id=\${n%%:*}
    foreign "$id" "\${n#*:}" && continue
    case $t in g*) id=-$id ;; esac
    for s in $1; do kill "-$s" "$id"; done
  done
}

pause() { sleep 0.02 9>&- || { sleep 1 9>&-; i=$((i + 49)); }; i=$((i + 1)); }

wait_for_end() {
  i=0
  while :; do
    alive=
    for t in $targets; do
      n=\${t#?}
      id=\${n%%:*}
      case $t in g*) id=-$id ;; esac
      if kill -0 "$id"; then alive="$alive $t"; fi
    done
    targets=$alive
    [ -n "$targets" ] || return 0
    [ "$i" -lt "$1" ] || return 1
    pause
  done
}

end_strays() {
  found=
  for f in $(grep -lszF "$1" /proc/[0-9]*/environ 9>&- || grep -lsF "$1" /proc/[0-9]*/environ 9>&-); do
    id=\${f#/proc/}
    kill -KILL "\${id%/environ}" && found=yes
  done
  [ -n "$found" ]
}

if [ "$1" -gt 0 ]; then
  send 'TERM CONT'
  wait_for_end "$1"
fi
send KILL
if [ -n "$2" ] && [ -r /proc/self/environ ]; then
  for round in 1 2 3 4 5; do
    end_strays "$2" || break
    sleep 0.02 9>&-
  done
fi
wait_for_end 10
[ -z "$3" ] || rm -f "$3" "$4"
exit 0
`;
