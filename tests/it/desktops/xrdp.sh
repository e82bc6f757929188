# xrdp.sh TEXT : alice comes with a client of remote desktops and TEXT as her password. Prints whose
# session it became, which runs under Xvnc, or what sesman says of who is refused. In a network of its own.
set -eu
cd /root
ip link set lo up
# With loopback addresses alone, no name can be looked up.
ip address add 192.0.2.7/32 dev lo

if [ ! -e /etc/xrdp/key.pem ]; then
    printf '[req]\ndistinguished_name=dn\n[dn]\n' >openssl.cnf
    openssl req -x509 -config openssl.cnf -newkey rsa:2048 -nodes -subj /CN=xrdp \
        -keyout /etc/xrdp/key.pem -out /etc/xrdp/cert.pem 2>/dev/null
    xrdp-keygen xrdp /etc/xrdp/rsakeys.ini >/dev/null
    # Debian's own file: without the list of sessions, and all else as it is.
    sed -i 's/^autorun=.*/autorun=Xvnc/; s/^security_layer=.*/security_layer=tls/; s/^EnableSyslog=.*/EnableSyslog=false/
        s|^certificate=.*|&/etc/xrdp/cert.pem|; s|^key_file=.*|&/etc/xrdp/key.pem|' /etc/xrdp/xrdp.ini
    sed -i 's/^EnableUserWindowManager=.*/EnableUserWindowManager=false/
        s/^EnableSyslog=.*/EnableSyslog=false/; s/^param=Xvnc$/param=Xtigervnc/' /etc/xrdp/sesman.ini
    printf '#!/bin/sh\nid -un >session.new && mv session.new session\n' >/etc/xrdp/startwm.sh
    chmod 0755 /etc/xrdp/startwm.sh
fi
log=/var/log/xrdp-sesman.log
rm -rf /tmp/.X* /run/xrdp "$log" /home/alice/session

xrdp-sesman --nodaemon >/dev/null 2>&1 &
xrdp --nodaemon >/dev/null 2>&1 &
Xvfb :1 -nolisten tcp >/dev/null 2>&1 &

# until_true CONDITION : waits for it, half a minute.
until_true() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "in vain: $1"; cat "$log"; exit 1; }
        sleep 0.05
    done
}
until_true '[ -e /tmp/.X11-unix/X1 ]'
for port in 3350 3389; do
    until_true "ss -Hltn 'sport = :$port' | grep -q ."
done
DISPLAY=:1 xfreerdp /v:192.0.2.7 /u:alice "/p:$1" /cert:ignore >/dev/null 2>&1 &
# shellcheck disable=SC2016 # until_true expands it
until_true '[ -e /home/alice/session ] || grep -q AUTHFAIL "$log"'
cat /home/alice/session 2>/dev/null || grep -o 'AUTHFAIL.*' "$log"
