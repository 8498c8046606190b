#compdef kt
_kt() {
  local -a commands=(
    'init:pin a log\: its keys are trusted from now on'
    'status:size, head age, signatures, auditor, witnesses and growth of a log'
    'search:prove and print the devices and keys of a user'
    'explain:walk through the proof of a search in words'
    'verify:verify a saved proof again, offline'
    'watch:look at every new version of labels, and alert on what must not be'
    'audit:follow every entry of an audited log from the start, and verify both trees'
    'gossip:show this view of the log, or compare it with other people'\''s'
    'key:make an encrypted signing key for an auditor or a witness'
    'witness:cosign checkpoints of logs by the C2SP witness protocol, until SIGTERM'
    'completion:print the completion script for bash, zsh or fish'
    'evidence:judge an evidence file, offline, in plain words'
    'group:check every member of a group (a GroupInfo or ratchet tree) against the log'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    init) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--name[name to pin it under (default\: the host)]:name:' \
      '--fingerprint[log id that it must have; without it, the first answer is trusted]:hex:' ;;
    status) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--witness-policy[C2SP tlog-policy that the checkpoint must meet]:file:_files' ;;
    search) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--version[this version instead of the greatest]:n:' \
      '--history[every version, and what each changed]' \
      '--save[keep the proof for kt verify]:file:_files' \
      '--write-own[write all keys as devices.json, to be checked by you and used by kt watch --own]:file:_files' ;;
    explain) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--version[this version instead of the greatest]:n:' \
      '--file[a proof saved by kt search --save, offline]:file:_files' ;;
    verify) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--fingerprint[log id that the proof must be of (default\: one of the pinned logs)]:hex:' \
      '*:file:_files' ;;
    watch) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--own[devices.json\: you own these labels, and anything not listed there is an alert]:file:_files' \
      '--accept-gaps[you know of the versions and entries that the log withheld so far\: go on without them]' \
      '--daemon[look again and again until SIGTERM]' \
      '--interval[between two looks of a daemon (default 300)]:seconds:' \
      '--listen[metrics and health of a daemon\: /metrics /healthz /readyz]:host\:port:' \
      '--webhook[post each alert as signed JSON]:url:' \
      '--webhook-secret-file[key of the HMAC-SHA256 in the kt-signature header]:file:_files' \
      '--exec[run a shell command for each alert, JSON on standard input]:command:' \
      '--mail[send each alert by mail]:address:' \
      '--mail-from[sender of these mails]:address:' \
      '--sendmail[sendmail program (default /usr/sbin/sendmail)]:path:_files' ;;
    audit) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--sign[sign and post auditor tree heads\: a key file or a pkcs11\: URI (or KT_AUDIT_KEY)]:key:_files' \
      '--passphrase-file[of the key file (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)]:file:_files' \
      '--pin-file[PIN of the PKCS#11 token]:file:_files' \
      '--no-post[sign, but do not hand the head to the log]' \
      '--from[start from an encoded AuditorCheckpoint, or log\: from the one that the log gives out]:file:_files' \
      '--restart[forget where an earlier audit stopped]' \
      '--compare[gossip of users\: their heads must lie in the tree audited]:file...:_files' \
      '--follow[go on as the log grows, until SIGTERM]' \
      '--interval[between two looks with --follow (default 60)]:seconds:' ;;
    gossip) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--via[look from other addresses of the same log as well]:url...:' \
      '--save[write this view, with the proof of it, to be compared elsewhere]:file:_files' \
      '--offline[compare the files with each other, and ask nobody]' \
      '--no-qr[no QR code]' \
      '*:file:_files' ;;
    key) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--passphrase-file[passphrase that encrypts it (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)]:file:_files' \
      '*:file:_files' ;;
    witness) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--name[name of this witness in its signatures, as witness.example/alice]:name:' \
      '--sign[its Ed25519 key\: a key file or a pkcs11\: URI (or KT_WITNESS_KEY)]:key:_files' \
      '--passphrase-file[of the key file (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)]:file:_files' \
      '--pin-file[PIN of the PKCS#11 token]:file:_files' \
      '--log-key[verifier key of a log that it watches (repeat it)]:vkey:_files' \
      '--listen[where logs reach it (default 127.0.0.1\:8461)]:host\:port:' ;;
    completion) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' ;;
    evidence) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--fingerprint[log id of the log that is accused]:hex:' \
      '--policy[policy of the accused'\''s domain, for findings of the ghost detector]:file:_files' \
      '*:file:_files' ;;
    group) _arguments '--json[print one JSON object instead of text]' \
      '--evidence-dir[where evidence files go (default\: evidence/ in kt'\''s folder)]:dir:_files' \
      '--log[which pinned log (default\: the only one)]:name:' \
      '--url[ask the same log at another address]:url:' \
      '--token-file[bearer token for a log that is not public (or KT_TOKEN_FILE)]:file:_files' \
      '--timeout[for one request]:seconds:' \
      '--identity[somebody who is meant to be in it (repeat it); anybody else is a finding]:uri:' \
      '*:file:_files' ;;
  esac
}
_kt "$@"
