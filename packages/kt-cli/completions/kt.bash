# bash completion for kt
_kt() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "init status search explain verify watch audit gossip key witness completion evidence group help --help --version" -- "$word"))
    return
  fi
  case "${COMP_WORDS[1]}" in
    init)
      case "$before" in
        --evidence-dir) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --name --fingerprint" -- "$word"))
      ;;
    status)
      case "$before" in
        --evidence-dir|--token-file|--witness-policy) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --log --url --token-file --timeout --witness-policy" -- "$word"))
      ;;
    search)
      case "$before" in
        --evidence-dir|--token-file|--save|--write-own) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --log --url --token-file --timeout --version --history --save --write-own" -- "$word"))
      ;;
    explain)
      case "$before" in
        --evidence-dir|--token-file|--file) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --log --url --token-file --timeout --version --file" -- "$word"))
      ;;
    verify)
      case "$before" in
        --evidence-dir) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -f -W "--json --evidence-dir --fingerprint" -- "$word"))
      ;;
    watch)
      case "$before" in
        --evidence-dir|--token-file|--own|--webhook-secret-file|--sendmail) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --log --url --token-file --timeout --own --accept-gaps --daemon --interval --listen --webhook --webhook-secret-file --exec --mail --mail-from --sendmail" -- "$word"))
      ;;
    audit)
      case "$before" in
        --evidence-dir|--token-file|--sign|--passphrase-file|--pin-file|--from|--compare) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --log --url --token-file --timeout --sign --passphrase-file --pin-file --no-post --from --restart --compare --follow --interval" -- "$word"))
      ;;
    gossip)
      case "$before" in
        --evidence-dir|--token-file|--save) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -f -W "--json --evidence-dir --log --url --token-file --timeout --via --save --offline --no-qr" -- "$word"))
      ;;
    key)
      case "$before" in
        --evidence-dir|--passphrase-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -f -W "--json --evidence-dir --passphrase-file" -- "$word"))
      ;;
    witness)
      case "$before" in
        --evidence-dir|--sign|--passphrase-file|--pin-file|--log-key) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir --name --sign --passphrase-file --pin-file --log-key --listen" -- "$word"))
      ;;
    completion)
      case "$before" in
        --evidence-dir) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -W "--json --evidence-dir" -- "$word"))
      ;;
    evidence)
      case "$before" in
        --evidence-dir|--policy) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -f -W "--json --evidence-dir --fingerprint --policy" -- "$word"))
      ;;
    group)
      case "$before" in
        --evidence-dir|--token-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
      esac
      COMPREPLY=($(compgen -f -W "--json --evidence-dir --log --url --token-file --timeout --identity" -- "$word"))
      ;;
  esac
}
complete -o filenames -F _kt kt
