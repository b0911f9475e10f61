#!/bin/sh
# Makes one cluster of the Redis servers in $NODES, each host:port, and makes it anew when one of them has forgotten it, as a
# container does that is made anew. All pages are lost then, which is no more than a cache may lose. It runs as long as they do.
set -eu

REDISCLI_AUTH="$(sed -n 's/^requirepass //p' "${PASSWORD_FILE:-/run/secrets/redis.conf}")"
export REDISCLI_AUTH
SLOTS=16384

ask() { # HOST:PORT COMMAND...
    node="$1"
    shift
    timeout 5 redis-cli -e -h "${node%:*}" -p "${node##*:}" "$@"
}

count() { echo $#; }

is_well() { # Whether each says so, and knows as many as there are.
    for node in $NODES; do
        said="$(ask "$node" CLUSTER INFO | tr -d '\r')" || return 1
        echo "$said" | grep -qx 'cluster_state:ok' || return 1
        echo "$said" | grep -qx "cluster_known_nodes:$(count $NODES)" || return 1
    done
}

form() {
    for node in $NODES; do ask "$node" PING > /dev/null || return 1; done
    for node in $NODES; do
        ask "$node" FLUSHALL > /dev/null
        ask "$node" CLUSTER RESET HARD > /dev/null
    done
    number=0
    for node in $NODES; do
        first=$((number * SLOTS / $(count $NODES)))
        number=$((number + 1))
        ask "$node" CLUSTER SET-CONFIG-EPOCH "$number" > /dev/null
        ask "$node" CLUSTER ADDSLOTSRANGE "$first" $((number * SLOTS / $(count $NODES) - 1)) > /dev/null
    done
    for node in $NODES; do
        # It wants an address, and containers change theirs.
        address="$(getent hosts "${node%:*}" | { read -r address _; echo "$address"; })"
        port="${node##*:}"
        # Each meets each: until they hear of one another from a third, it may take long.
        for other in $NODES; do ask "$other" CLUSTER MEET "$address" "$port" > /dev/null; done
    done
    echo "formed a cluster of $NODES"
}

unwell=0
formed=
while :; do
    if is_well; then
        unwell=0
        : > "${FORMED:-/tmp/formed}"
    else
        unwell=$((unwell + 1))
    fi
    # At first at once. Later a node may be about to come back as it was, and takes five seconds to serve in a new cluster.
    if [ "$unwell" -ge 3 ] || { [ "$unwell" -eq 1 ] && [ -z "$formed" ]; }; then
        if form; then formed=yes; fi
        unwell=0
    fi
    sleep "${PAUSE_S:-5}"
done
