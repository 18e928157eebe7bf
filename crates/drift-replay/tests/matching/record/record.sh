#!/usr/bin/env bash
# Records both services with the published SDKs; see README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
recordings=$here/../recordings
work=$(mktemp -d)
children=()
stop() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

wait_for() { # PORT
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.2
  done
  echo "nothing listens on port $1" >&2
  return 1
}

# Databases refuse to run as root: then they run as nobody, in a directory of its own.
as_user=()
mkdir "$work/db"
if [ "$(id -u)" = 0 ]; then
  chmod 755 "$work"
  chown nobody "$work/db"
  as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups env "HOME=$work/db")
fi
cd "$work/db"
postgres_bin=$(pg_config --bindir 2>/dev/null || dirname "$(command -v initdb)")
"${as_user[@]}" "$postgres_bin/initdb" -D "$work/db/pg" -A trust -U recorder >/dev/null
"${as_user[@]}" "$postgres_bin/postgres" -D "$work/db/pg" -p 15499 -k "$work/db" -c listen_addresses=127.0.0.1 2>"$work/pg.log" &
children+=($!)
"${as_user[@]}" mariadb-install-db --no-defaults --datadir="$work/db/my" --auth-root-authentication-method=normal >/dev/null
"${as_user[@]}" mariadbd --no-defaults --datadir="$work/db/my" --port=13399 --bind-address=127.0.0.1 \
  --socket="$work/db/my.sock" --pid-file="$work/db/my.pid" 2>"$work/my.log" &
children+=($!)
redis-server --port 16399 --bind 127.0.0.1 --save "" --dir "$work" >/dev/null &
children+=($!)
for port in 15499 13399 16399; do wait_for "$port"; done
psql -q -h 127.0.0.1 -p 15499 -U recorder postgres <<'SQL'
CREATE TABLE users (id int PRIMARY KEY, name text, email text);
CREATE TABLE orders (id serial PRIMARY KEY, user_id int, total numeric);
CREATE TABLE settings (service text, name text);
INSERT INTO users VALUES (1, 'ann', 'a@x'), (2, 'bob', 'b@x');
SQL
mariadb --no-defaults --socket="$work/db/my.sock" -u root <<'SQL'
CREATE DATABASE shop;
CREATE TABLE shop.users (id int PRIMARY KEY, name text);
INSERT INTO shop.users VALUES (1, 'ann'), (2, 'bob');
CREATE USER recorder@'127.0.0.1', recorder@localhost;
GRANT ALL ON shop.* TO recorder@'127.0.0.1', recorder@localhost;
SQL

mkdir "$work/python" "$work/node"
cp "$here/service.py" "$work/python/"
cp "$here/service.js" "$here/shop.proto" "$work/node/"
touch "$work/python/requirements.txt"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tusk-drift-python-sdk==0.1.29 flask requests httpx \
  psycopg2-binary 'psycopg[binary]' sqlalchemy redis grpcio protobuf
(cd "$work/node" && npm init -y >/dev/null && npm install --silent @use-tusk/drift-node-sdk@0.1.27 \
  express pg mysql2 ioredis@5 @grpc/grpc-js @grpc/proto-loader)

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/certificate.pem" \
  -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
"$work/venv/bin/python" "$here/upstream.py" "$work/certificate.pem" "$work/key.pem" &
children+=($!)
for port in 18777 18778 18779; do wait_for "$port"; done

export TUSK_DRIFT_MODE=RECORD TUSK_SAMPLING_RATE=1 TUSK_RECORDING_SAMPLING_RATE=1
(cd "$work/python" && exec "$work/venv/bin/python" service.py >"$work/python.log" 2>&1) &
children+=($!)
(cd "$work/node" && exec node service.js >"$work/node.log" 2>&1) &
children+=($!)
for port in 18770 18771; do wait_for "$port"; done
for route in http graphql psycopg2 psycopg sqlalchemy redis grpc; do
  curl --silent --show-error --fail --output /dev/null "http://127.0.0.1:18770/$route"
done
for route in http fetch graphql pg mysql2 redis grpc; do
  curl --silent --show-error --fail --output /dev/null "http://127.0.0.1:18771/$route"
done
# Spans are written every 2 seconds by Python's SDK and every 5 by Node's, and lost at the end.
sleep 9
mkdir -p "$recordings/python" "$recordings/node"
python3 "$here/rename.py" "$work/python/.tusk/traces" "$recordings/python" a
python3 "$here/rename.py" "$work/node/.tusk/traces" "$recordings/node" b
