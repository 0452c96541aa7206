#!/usr/bin/env bash
# install.sh DESTINATION [BUILD]: lays what was built (build/release) below DESTINATION/usr, as packages and containers take
# it: bin/steward, lib/steward/ with the engine and its libraries, share/steward/models, the documentation and the service.
set -euo pipefail
cd "$(dirname "$0")/.."
to=${1:?install.sh DESTINATION [BUILD]} from=${2:-build/release}
[ -x "$from/bin/steward" ] || { echo "$from/bin/steward is not there: run make build first." >&2; exit 1; }
prefix=$to/usr
install -D -m 755 "$from/bin/steward" "$prefix/lib/steward/bin/steward"
install -d "$prefix/lib/steward/lib" "$prefix/lib/steward/share/steward/models" "$prefix/lib/steward/share/steward/demo" "$prefix/bin"
cp -L "$from"/lib/* "$prefix/lib/steward/lib/"
cp -L "$from"/share/steward/models/*.gguf "$prefix/lib/steward/share/steward/models/"
cp -L demo/* "$prefix/lib/steward/share/steward/demo/"
chmod -R u=rwX,go=rX "$prefix/lib/steward"
# The program looks for its engine and models beside itself, where the link leads.
ln -sfn ../lib/steward/bin/steward "$prefix/bin/steward"
install -D -m 644 LICENSE "$prefix/share/doc/steward/LICENSE"
install -D -m 644 THIRD_PARTY_NOTICES.md "$prefix/share/doc/steward/THIRD_PARTY_NOTICES.md"
install -D -m 644 packaging/systemd/steward.service "$prefix/lib/systemd/system/steward.service"
for page in docs/*.md; do [ ! -e "$page" ] || install -D -m 644 "$page" "$prefix/share/doc/steward/$(basename "$page")"; done
[ ! -e build/sbom.json ] || install -D -m 644 build/sbom.json "$prefix/share/doc/steward/sbom.json"
