#!/bin/sh
# openvpn.sh PORT PASSWORD : one login of alice with a certificate and this password, by
# OpenVPN's client at its server with the plugin for PAM; prints what the server says of
# the password.
set -eu
cd /root
port=$1
printf 'alice\n%s\n' "$2" >login
chmod 600 login

if [ ! -e client.crt ]; then
    printf '[req]\ndistinguished_name=dn\n[dn]\n' >openssl.cnf
    export OPENSSL_CONF=/root/openssl.cnf
    new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    # shellcheck disable=SC2086 # a list of options
    openssl req -x509 $new -keyout ca.key -out ca.crt -subj /CN=ca \
        -addext basicConstraints=critical,CA:TRUE 2>/dev/null
    for name in server client; do
        # shellcheck disable=SC2086
        openssl req $new -keyout $name.key -out $name.csr -subj /CN=$name 2>/dev/null
        openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
            -out $name.crt 2>/dev/null
    done
fi

# Waits for a line of a log.
line() {
    tries=0
    until grep -E "$2" "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { cat "$1"; exit 1; }
        sleep 0.05
    done
}

# Without a tunnel: nothing of the machine's network is touched.
openvpn --config server.conf --verb 3 --dev null --proto udp --local 127.0.0.1 --lport "$port" \
    --tls-server --dh none --ca ca.crt --cert server.crt --key server.key >server.log 2>&1 &
server=$!
line server.log 'link local' >/dev/null
openvpn --dev null --proto udp --remote 127.0.0.1 "$port" --nobind --tls-client --pull --ifconfig-noexec \
    --ca ca.crt --cert client.crt --key client.key --auth-user-pass login --auth-nocache >client.log 2>&1 &
client=$!
line server.log 'Username/Password (authentication succeeded|verification failed)'
# The client ends by itself when it is refused.
kill "$server" "$client" 2>/dev/null || :
wait
