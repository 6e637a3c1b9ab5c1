# Completes the command line of sendoff in bash. Settings come from the command itself, which knows them best.

# The command line up to the cursor in words, as the shell has them before it breaks them at = and :.
_sendoff_words() {
  local line=${COMP_LINE:0:COMP_POINT}
  read -r -a words <<< "$line"
  case $line in *[[:space:]]) words+=('') ;; esac
}

# _sendoff_settings COMMAND WORD: names with "=" behind them; after it, the values of those that have few.
_sendoff_settings() {
  local line name described
  while IFS= read -r line; do
    case $line in [a-z]*=*\(*\)) ;; *) continue ;; esac
    name=${line%%=*}
    case $2 in
      "$name="*)
        described=${line##*(}
        case $described in
          enumeration,* | boolean,*) described=${described#*, } && described=${described%)} ;;
          *) return ;;
        esac
        local -a values
        IFS=', ' read -r -a values <<< "$described"
        printf "$name=%s\n" "${values[@]}"
        return
        ;;
    esac
    echo "$name="
  done < <("$1" produce -X list 2> /dev/null)
  echo list
}

# _sendoff_offer PATTERNS: those of its words that the last word begins with, without what bash has taken off already.
_sendoff_offer() {
  local last=$1 taken='' word
  shift
  case $COMP_WORDBREAKS in *=*) case $last in *=*) taken=${last%=*}= ;; esac ;; esac
  while read -r word; do
    case $word in
      "$last"*) COMPREPLY+=("${word#"$taken"}") ;;
    esac
  done < <(printf '%s\n' "$@")
  case ${#COMPREPLY[@]}:${COMPREPLY[0]-} in 1:*=) compopt -o nospace 2> /dev/null ;; esac
}

_sendoff_files() {
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# _sendoff_argument COMMAND OPTION WORD PREFIX: what may follow an option; fails if it takes nothing.
_sendoff_argument() {
  local -a offered
  case $2 in
    -z | --codec) offered=(none gzip snappy lz4 zstd) ;;
    -X | --setting) mapfile -t offered < <(_sendoff_settings "$1" "$3") ;;
    -F | --settings-file)
      _sendoff_files "$3"
      return
      ;;
    --payload)
      _sendoff_files "$3"
      offered=(text random)
      ;;
    -b | --brokers | -t | --topic | -p | --partition | -k | --key-separator | -H | --header | --records | --size) ;;
    --keys | --rate | --threads | --warm-up | -l | --listen | --advertise | --auto-create | --data-limit) ;;
    *) return 1 ;;
  esac
  if [ ${#offered[@]} -gt 0 ]; then _sendoff_offer "$4$3" "${offered[@]/#/$4}"; fi
}

_sendoff() {
  local -a words client=(-b --brokers -t --topic -p --partition -z --codec -X --setting -F --settings-file)
  local command=$1 last previous
  COMPREPLY=()
  _sendoff_words
  last=${words[-1]} previous=${words[-2]}
  if [ ${#words[@]} -eq 2 ]; then
    case $last in
      -*) _sendoff_offer "$last" -h --help -V --version ;;
      *) _sendoff_offer "$last" produce perf broker version help ;;
    esac
    return
  fi
  case $last in
    --*=*) _sendoff_argument "$command" "${last%%=*}" "${last#*=}" "${last%%=*}=" && return ;;
  esac
  _sendoff_argument "$command" "$previous" "$last" '' && return
  case ${words[1]}:$last in
    produce:-*)
      _sendoff_offer "$last" "${client[@]}" -k --key-separator -H --header -Z --null-empty -h --help
      ;;
    perf:-*)
      _sendoff_offer "$last" "${client[@]}" --records --size --payload --keys --rate --threads --latency --warm-up \
        --json -h --help
      ;;
    broker:-*)
      _sendoff_offer "$last" -l --listen --advertise -t --topic --auto-create --data-limit -q --quiet -h --help
      ;;
    produce:*) _sendoff_files "$last" ;;
    help:*) _sendoff_offer "$last" produce perf broker version help ;;
  esac
}

complete -F _sendoff sendoff
