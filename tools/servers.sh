#!/usr/bin/env bash
# Sees to it that PostgreSQL (15 or newer; its programs, no running server), Chromium, Exim and swaks are on this machine:
# as root with apt, otherwise it stops and says exactly what to install. Quick and silent when all are there.
set -euo pipefail

oldest=15

# The newest PostgreSQL whose `initdb` is found, as "version folder"; empty when there is none.
postgres() {
    local folder
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
        $(command -v pg_config >/dev/null && pg_config --bindir) $(dirname "$(command -v initdb || echo /none/initdb)"); do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] || continue
        echo "$("$folder/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/') $folder"
    done | sort -n | tail -n 1
}

postgres_is_good() {
    local found
    found=$(postgres)
    [ -n "$found" ] && [ "${found%% *}" -ge "$oldest" ]
}

# The name alone is not enough: on Ubuntu the package is a pointer to a snap, which may not start.
chromium_is_good() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1 && return 0
    done
    return 1
}

# Two mail programs that others wrote; swaks finds TLS in Perl's Net::SSLeay.
mail_is_good() {
    [ -x /usr/sbin/exim4 ] && command -v swaks >/dev/null && perl -MNet::SSLeay -e 1 2>/dev/null
}

missing=()
postgres_is_good || missing+=(postgresql)
chromium_is_good || missing+=(chromium)
mail_is_good || missing+=(exim4-daemon-light swaks libnet-ssleay-perl)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "obtaining ${missing[*]} with apt"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    if ! mail_is_good && [ ! -e /usr/sbin/policy-rc.d ]; then # the program only: no mail server of the machine's own is started
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    if ! postgres_is_good; then # the programs only: no cluster of its own is made or started
        apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
        sed -i -E 's/^#?\s*create_main_cluster\b.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || true # what came is looked at below
fi

status=0
if ! postgres_is_good; then
    echo "missing: PostgreSQL $oldest or newer, with \`initdb\` (found: $(postgres || true))" >&2
    echo "  Debian, Ubuntu:  sudo apt-get install postgresql        (older releases: from apt.postgresql.org)" >&2
    echo "  Fedora:          sudo dnf install postgresql-server     macOS: brew install postgresql@17" >&2
    status=1
fi
if ! chromium_is_good; then
    echo "missing: Chromium that starts" >&2
    echo "  Debian:          sudo apt-get install chromium          Ubuntu: sudo snap install chromium" >&2
    echo "  Fedora:          sudo dnf install chromium              macOS: brew install --cask chromium" >&2
    status=1
fi
if ! mail_is_good; then
    echo "missing: Exim (/usr/sbin/exim4) and swaks with TLS" >&2
    echo "  Debian, Ubuntu:  sudo apt-get install exim4-daemon-light swaks libnet-ssleay-perl" >&2
    status=1
fi
[ $status -eq 0 ] || echo "then run the same command again; nothing was skipped, nothing was tested" >&2
exit $status
