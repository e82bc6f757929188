# sh SANDBOX PARTS FOLDER TOKENS CODE CODE : two logins under pam_wrapper, as an ordinary user.
set -eu
umask 022
sandbox=$1 parts=$2 root=$3 tokens=$4
shift 4
"$sandbox/people" "$root" alice
mkdir -p "$root/srv/pam" "$root/etc/fob"
mkdir -m 0700 "$root/etc/fob/tokens" "$root/var/lib/fob"
(umask 077; printf '%s' "$tokens" >"$root/etc/fob/tokens/alice")
echo 'auth required pam_fob.so' >"$root/srv/pam/test"
cp "$root/srv/pam/test" "$root/srv/pam/other"
for code; do
    echo "$code" | "$sandbox/enter" "$root" --layer "$parts/layer" --layer "$parts/debian/root" \
        --env LD_PRELOAD=libpam_wrapper.so --env PAM_WRAPPER=1 --env PAM_WRAPPER_SERVICE_DIR=/srv/pam \
        -- pamtester test alice authenticate || :
done
rm -rf "$root"
