#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes the ledger's roles in the database and writes their passwords to AWS Secrets Manager. May be run again: passwords are set anew.
#   ops/database-roles.sh [--rotate owner|loader|reader]     only that role's password
# No person and no log sees a password: it is made here, goes to the secret by standard input, and to the database as a SCRAM verifier.
# Needs: an applied terraform/, aws, jq, python3. LEDGERMILL_TERRAFORM: another folder than terraform/.
set -euo pipefail
cd "$(dirname "$0")/.."

roles="owner loader reader"
case ${1:-} in
"") ;;
--rotate)
  roles=${2:-}
  [[ $roles =~ ^(owner|loader|reader)$ ]] || { echo "database-roles: --rotate owner, loader or reader" >&2; exit 8; }
  ;;
-h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "database-roles: unknown word '$1'; --help shows the known ones" >&2; exit 8 ;;
esac
for tool in terraform aws jq python3; do
  command -v $tool >/dev/null || { echo "database-roles: $tool is not installed" >&2; exit 12; }
done
in_terraform() { terraform -chdir="${LEDGERMILL_TERRAFORM:-terraform}" "$@"; }
database=$(in_terraform output -json database) || { echo "database-roles: terraform/ has no output database yet: terraform apply comes first" >&2; exit 12; }
AWS_DEFAULT_REGION=$(in_terraform output -raw region)
export AWS_DEFAULT_REGION
ask() { jq -r "$1" <<<"$database"; }

# One statement, from standard input: arguments of a command can be read by others.
sql() {
  aws rds-data execute-statement --resource-arn "$(ask .cluster)" --secret-arn "$(ask .masterSecret)" --database "$(ask .name)" --sql file:///dev/stdin >/dev/null
}

declare -A user=([owner]=ledger_owner [loader]=loader [reader]=reports)
if [ "$roles" = "owner loader reader" ]; then
  # The group roles are named by "ledgermill ledger migrate" (docs/OPERATIONS.md).
  sql <<'SQL'
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledgermill_loader') THEN CREATE ROLE ledgermill_loader NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledgermill_reader') THEN CREATE ROLE ledgermill_reader NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_owner') THEN CREATE ROLE ledger_owner LOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loader') THEN CREATE ROLE loader LOGIN IN ROLE ledgermill_loader; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reports') THEN CREATE ROLE reports LOGIN IN ROLE ledgermill_reader; END IF;
  EXECUTE format('GRANT CREATE ON DATABASE %I TO ledger_owner', current_database());
  GRANT CREATE ON SCHEMA public TO ledger_owner;
END
$$
SQL
fi

# Prints a password and its verifier as PostgreSQL keeps it (RFC 5802, SCRAM-SHA-256, 4096 rounds).
new_password() {
  python3 - <<'PYTHON'
import base64, hashlib, hmac, secrets
password, salt, rounds = secrets.token_urlsafe(32), secrets.token_bytes(16), 4096
salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
key = lambda name: hmac.new(salted, name, "sha256").digest()
text = lambda value: base64.b64encode(value).decode()
print(password, f"SCRAM-SHA-256${rounds}:{text(salt)}${text(hashlib.sha256(key(b'Client Key')).digest())}:{text(key(b'Server Key'))}")
PYTHON
}

for role in $roles; do
  read -r password verifier < <(new_password)
  secret=$(ask ".secrets.$role")
  # The database first: between the two a pod that starts is refused and tries again (RC 12); the other way round it is the same.
  sql <<<"ALTER ROLE ${user[$role]} PASSWORD '$verifier'"
  printf '{"username":"%s","password":"%s"}' "${user[$role]}" "$password" |
    aws secretsmanager put-secret-value --secret-id "$secret" --secret-string file:///dev/stdin >/dev/null
  echo "role ${user[$role]}: password set, secret $secret written"
done
