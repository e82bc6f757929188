# cockpit.sh PASSWORD CODE : logs alice in through cockpit-session, as cockpit's web server does. Prints
# each question of PAM that is shown in the browser, and then what the session's program says: a
# stand-in for cockpit-bridge, which prints whose it is. Or else why there is no session.
set -eu
mount -t tmpfs -o mode=0755 none /usr/local/bin
printf '#!/bin/sh\nid -un\n' >/usr/local/bin/cockpit-bridge
chmod 755 /usr/local/bin/cockpit-bridge

base64_of() { printf %s "$1" | base64 --wrap=0; }
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" <<<"$text"; }
# A frame: its length, and a message, which begins with the name of its channel: none.
answer() {
    local message=$'\n'"{\"command\":\"authorize\",\"cookie\":\"$(field cookie)\",\"response\":\"$1\"}"
    printf '%d\n%s' "${#message}" "$message" >&"$to"
}

export COCKPIT_REMOTE_PEER=192.0.2.7
coproc session { exec /usr/lib/cockpit/cockpit-session 2>/dev/null; }
# bash forgets the pipes of one that has ended.
exec {from}<&"${session[0]}" {to}>&"${session[1]}"
while read -r length <&"$from"; do
    if [[ $length = *[!0-9]* ]]; then
        echo "session of $length"
        break
    fi
    IFS= read -r -N "$length" text <&"$from"
    read -r way nonce prompt <<<"$(field challenge)"
    case $way in
    '*') answer "Basic $(base64_of "alice:$1")" ;;
    X-Conversation)
        echo "asks $(base64 --decode <<<"$prompt")"
        answer "$way $nonce $(base64_of "$2")"
        ;;
    *)
        echo "problem $(field problem)"
        break
        ;;
    esac
done
