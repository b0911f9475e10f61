#!/bin/sh
# openapi-generator's Java client (library `native`) parses a page in HTML as JSON, and takes a plain text as it is
#
# Software   openapi-generator 7.26.0 (openapi-generator-cli of PyPI); needs a JDK of 11 or later
# Seen       2026-11-27
#
# Two operations differ in nothing but the media type of their answer, `text/plain` and `text/html`; both have the
# schema `type: string`. The code that is made looks whether the type is `text/plain`, and gives everything else to
# Jackson. Without a schema nothing is read, and the call succeeds:
#
#       text/plain   a string     hello
#       text/html    a string     failed: JsonParseException
#       text/html    no schema    status 200
#
# Why care   An API that tells of a page for people, of CSV or of XML as a string is one whose clients in Java compile
#            and then fail at that call with "Unexpected character ('<')". Tell such answers without a schema, or as
#            `format: binary`.
set -eu

folder=$(mktemp -d)
trap 'kill "${server:-0}" 2> /dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openapi-generator-cli==7.26.0
jar=$(echo "$folder"/venv/lib/python3*/site-packages/openapi_generator_cli/openapi-generator.jar)

mkdir "$folder/site"
printf hello > "$folder/site/plain.txt"
printf '<!doctype html><p>hello' > "$folder/site/page.html"
"$folder/venv/bin/python" -u -m http.server 0 --bind 127.0.0.1 --directory "$folder/site" > "$folder/server.log" 2>&1 &
server=$!
until grep -qs "port [0-9]" "$folder/server.log"; do kill -0 $server; sleep 0.1; done
port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$folder/server.log" | head -n 1)

cat > "$folder/api.json" <<JSON
{"openapi": "3.1.0", "info": {"title": "Pages", "version": "1"}, "servers": [{"url": "http://127.0.0.1:$port"}], "paths": {
 "/plain.txt": {"get": {"operationId": "readPlain", "responses": {"200": {"description": "It.",
   "content": {"text/plain": {"schema": {"type": "string"}}}}}}},
 "/page.html": {"get": {"operationId": "readPage", "responses": {"200": {"description": "It.",
   "content": {"text/html": {"schema": {"type": "string"}}}}}}},
 "/page.html?": {"get": {"operationId": "readAnyPage", "responses": {"200": {"description": "It.",
   "content": {"text/html": {}}}}}}}}
JSON
java -jar "$jar" generate -g java --library native -i "$folder/api.json" -o "$folder/client" \
    --additional-properties=openApiNullable=false > "$folder/client.log" 2>&1

# The generated code is marked with an annotation that JDKs do not have any more.
mkdir -p "$folder/own/javax/annotation"
cat > "$folder/own/javax/annotation/Generated.java" <<'JAVA'
package javax.annotation;

public @interface Generated {
    String value();
    String date() default "";
    String comments() default "";
}
JAVA
cat > "$folder/own/Read.java" <<'JAVA'
import org.openapitools.client.*;
import org.openapitools.client.api.DefaultApi;

public class Read {
    interface Call {
        Object go() throws ApiException;
    }

    static Object seen(Call call) {
        try {
            return call.go();
        } catch (ApiException error) {
            return "failed: " + error.getCause().getClass().getSimpleName();
        }
    }

    public static void main(String[] arguments) {
        DefaultApi api = new DefaultApi();
        System.out.println("text/plain   a string     " + seen(api::readPlain));
        System.out.println("text/html    a string     " + seen(api::readPage));
        System.out.println("text/html    no schema    "
            + seen(() -> "status " + api.readAnyPageWithHttpInfo().getStatusCode()));
    }
}
JAVA
find "$folder/client/src/main" "$folder/own" -name '*.java' > "$folder/sources"
javac -nowarn -proc:none -cp "$jar" -d "$folder/classes" "@$folder/sources" 2> "$folder/javac.log" \
    || { cat "$folder/javac.log" >&2; exit 1; }
java -cp "$jar:$folder/classes" Read | tee "$folder/seen"

cat > "$folder/expected" <<'TEXT'
text/plain   a string     hello
text/html    a string     failed: JsonParseException
text/html    no schema    status 200
TEXT
cmp -s "$folder/seen" "$folder/expected" || { echo "The behaviour has changed." >&2; exit 1; }
