#!/bin/sh
# Makes what is secret and random for compose.yaml, once each: nothing that is there is replaced.
# As root, for the files must belong to the users who read them in the containers.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets backups

random() { head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }

[ -s secrets/database_password ] || random > secrets/database_password
printf 'database:5432:wum:wum:%s\n' "$(cat secrets/database_password)" > secrets/database_passfile
[ -s secrets/backup_passphrase ] || random > secrets/backup_passphrase

missing=0
for name in broker_certificate broker_key broker_authority web_certificate web_key; do
    [ -s "secrets/$name.pem" ] && continue
    echo "secrets/$name.pem is missing: it is yours to bring." >&2
    missing=1
done
chmod 700 secrets backups
chmod 400 secrets/*
# 1883 is the user of the head-end and of the broker; PostgreSQL and the proxy start as root.
if [ "$(id -u)" = 0 ]; then
    chown 1883:1883 backups secrets/database_passfile secrets/backup_passphrase
    for name in broker_certificate broker_key broker_authority; do
        [ ! -e "secrets/$name.pem" ] || chown 1883:1883 "secrets/$name.pem"
    done
else
    echo "Run it as root, or give these files to user 1883 yourself." >&2
fi
exit $missing
