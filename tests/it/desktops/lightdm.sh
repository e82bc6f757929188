# lightdm.sh : a system bus, and LightDM with Xvfb for a screen, the greeter beside this script, and a
# session that writes down whose it is. In a network of its own, for X servers are found through it.
set -eu
for name in messagebus:100 lightdm:103; do
    echo "${name%:*}:x:${name#*:}:${name#*:}::/var/lib/${name%:*}:/usr/sbin/nologin" >>/etc/passwd
    echo "${name%:*}:*:19000:0:99999:7:::" >>/etc/shadow
    echo "${name%:*}:x:${name#*:}:" >>/etc/group
done
mkdir -p /run/dbus /etc/lightdm/lightdm.conf.d /etc/lightdm/greeters /etc/lightdm/sessions
install -d -o lightdm -g lightdm /var/lib/lightdm /var/lib/lightdm-data
mkfifo -m 0600 /var/lib/lightdm/typed
chown lightdm:lightdm /var/lib/lightdm/typed

cat >/etc/lightdm/lightdm.conf.d/50-here.conf <<'END'
[LightDM]
greeters-directory=/etc/lightdm/greeters
sessions-directory=/etc/lightdm/sessions

[Seat:*]
xserver-command=/etc/lightdm/screen
greeter-session=plain
user-session=whose
session-wrapper=/usr/bin/env
END
# Called as an X server of a machine: DISPLAY -seat SEAT -auth FILE and what Xvfb doesn't know.
# shellcheck disable=SC2016 # the written script is to expand it
printf '#!/bin/sh\nexec Xvfb "$1" -auth "$5" -nolisten tcp\n' >/etc/lightdm/screen
printf '#!/bin/sh\nid -un >session.new && mv session.new session\n' >/etc/lightdm/whose
chmod 0755 /etc/lightdm/screen /etc/lightdm/whose
printf '[Desktop Entry]\nType=Application\nName=plain\nExec=/etc/lightdm/greeter\n' >/etc/lightdm/greeters/plain.desktop
printf '[Desktop Entry]\nType=Application\nName=whose\nExec=/etc/lightdm/whose\n' >/etc/lightdm/sessions/whose.desktop

unshare --net sh -c 'ip link set lo up && dbus-daemon --system --fork && exec lightdm'
