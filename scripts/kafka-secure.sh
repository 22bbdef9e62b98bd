# A node of Kafka that asks who is there and what they may do: TLS, SCRAM, bearer tokens, access rights. Sourced by kafka.sh, not run.
#
# Clients meet it on one port, encrypted, with SCRAM-SHA-512 or an unsigned bearer token. A second port of this machine alone is for
# the node itself and for Kafka's own tools, who may do everything there; nobody else may do what was not granted. Everything is
# made here, once: an authority and the certificate it signs, a password for each who has one. `start` prints
#   WAYBILL_TEST_SECURE_KAFKA            where clients meet it
#   WAYBILL_TEST_SECURE_KAFKA_CA         the authority's certificate
#   WAYBILL_TEST_SECURE_KAFKA_PASSWORDS  a directory with a file for each name; in it, the password
#   WAYBILL_TEST_SECURE_KAFKA_ACLS       a program that takes the arguments of Kafka's tool for access rights
# shellcheck shell=bash disable=SC2154 # what is not set here is kafka.sh's

# Who has a password. The first may do everything.
secure_names=(waybill-administrator waybill-intake waybill-identity waybill-dispatch waybill-reconciliation waybill-triage)

secure_port() { echo $((port + 100)); }
secure_loopback() { echo $((port + 101)); }
secure_controller() { echo $((port + 102)); }

# The tool for access rights is in a jar of its own, whose other dependencies it does without.
fetch_tools() {
    tools=$dir/kafka-tools-$version
    [ -d "$tools" ] && return
    need_java
    say "fetching Kafka's tools $version"
    mkdir -p "$dir/fetch-tools"
    mvn -B -q dependency:copy "-Dartifact=org.apache.kafka:kafka-tools:$version" -DoutputDirectory="$dir/fetch-tools" >&2 ||
        die "Maven can't fetch Kafka's tools; look at what it said above"
    mv "$dir/fetch-tools" "$tools"
}

# An authority, and a certificate for this machine that it signs.
certificates() {
    [ -f "$files/broker.pem" ] && return
    need openssl "install OpenSSL, which makes the certificates (Debian: openssl)"
    local log=$files/openssl.log
    {
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Waybill's tests" -keyout "$files/ca.key" -out "$files/ca.pem"
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$files/broker.key" -out "$files/broker.csr"
        openssl x509 -req -in "$files/broker.csr" -CA "$files/ca.pem" -CAkey "$files/ca.key" -CAcreateserial -days 3650 \
            -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$files/broker.crt"
    } >"$log" 2>&1 || die "certificates can't be made: $(tail -n 3 "$log")"
    # Kafka wants the key and the chain in one file.
    cat "$files/broker.key" "$files/broker.crt" "$files/ca.pem" >"$files/broker.pem"
}

# A password for each name, and the file of arguments that puts them into the node's metadata: a process's arguments are no place
# for them.
passwords() {
    [ -f "$files/scram" ] && return
    local name password
    mkdir -p "$files/passwords"
    for name in "${secure_names[@]}"; do
        password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
        printf %s "$password" >"$files/passwords/$name"
        printf '%s\n' --add-scram "SCRAM-SHA-512=[name=\"$name\",password=\"$password\"]" >>"$files/scram.part"
    done
    mv "$files/scram.part" "$files/scram"
}

# Nobody has to prove anything at the loopback listener, where everybody is `ANONYMOUS`.
secure_properties() {
    local security=org.apache.kafka.common.security
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(secure_controller)
listeners=SECURE://127.0.0.1:$(secure_port),LOOPBACK://127.0.0.1:$(secure_loopback),CONTROLLER://127.0.0.1:$(secure_controller)
advertised.listeners=SECURE://127.0.0.1:$(secure_port),LOOPBACK://127.0.0.1:$(secure_loopback)
controller.listener.names=CONTROLLER
inter.broker.listener.name=LOOPBACK
listener.security.protocol.map=SECURE:SASL_SSL,LOOPBACK:PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$files/broker.pem
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.secure.scram-sha-512.sasl.jaas.config=$security.scram.ScramLoginModule required;
listener.name.secure.oauthbearer.sasl.jaas.config=$security.oauthbearer.OAuthBearerLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:${secure_names[0]}
log.dirs=$dir/kafka-secure
PROPERTIES
    common
}

# The program for access rights: Kafka's own, at the loopback listener.
secure_acls() {
    cat >"$files/acls" <<PROGRAM
#!/bin/sh
exec java -XX:TieredStopAtLevel=1 -cp "$tools/*:$libs/*" org.apache.kafka.tools.AclCommand \\
    --bootstrap-server 127.0.0.1:$(secure_loopback) "\$@"
PROGRAM
    chmod +x "$files/acls"
}

start_secure() {
    if [ -n "${WAYBILL_TEST_SECURE_KAFKA:-}" ]; then
        env | grep '^WAYBILL_TEST_SECURE_KAFKA' | LC_ALL=C sort
        return
    fi
    [ "$nodes" -eq 1 ] || die "the secured one is one node"
    files=$dir/kafka-secure.files
    (umask 077 && mkdir -p "$files")
    fetch
    fetch_tools
    need java "install a Java runtime of version 17 or later (Debian: openjdk-17-jre-headless)"
    if ! alive "$dir/kafka-secure.pid"; then
        answers "$(secure_port)" && die "port $(secure_port) is taken; choose another by KAFKA_PORT"
        certificates
        passwords
        secure_properties >"$dir/kafka-secure.properties"
        format secure "@$files/scram"
        run secure
    fi
    secure_acls
    await secure
    echo "WAYBILL_TEST_SECURE_KAFKA=127.0.0.1:$(secure_port)"
    echo "WAYBILL_TEST_SECURE_KAFKA_CA=$files/ca.pem"
    echo "WAYBILL_TEST_SECURE_KAFKA_PASSWORDS=$files/passwords"
    echo "WAYBILL_TEST_SECURE_KAFKA_ACLS=$files/acls"
}
