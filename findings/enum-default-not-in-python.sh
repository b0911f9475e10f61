#!/bin/sh
# `enumUnknownDefaultCase` lets Java clients read words that are new, and gives Python clients a member that is never used
#
# Software   openapi-generator 7.26.0 (openapi-generator-cli of PyPI), pydantic 2.14.4; needs java 11 or later
# Seen       2026-11-27
#
# An enumeration of an API gets a word more one day. The option promises that clients take such a word for a default.
# With it, a model in Java reads `"archived"` as UNKNOWN_DEFAULT_OPEN_API. A model in Python has a member of that name as
# well, so the option seems to work there, but nothing maps a new word to it, and pydantic refuses the whole answer:
#
#       Java     default: return UNKNOWN_DEFAULT_OPEN_API
#       Python   has the member: True
#       Python   reads a known word: running
#       Python   reads a new word: refused
#
# Why care   One new status in an answer ends every client in Python that was generated before, option or not. Who adds
#            words to an enumeration of answers has to treat that as a breaking change, or leave the enumeration out of
#            the document.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    openapi-generator-cli==7.26.0 pydantic==2.14.4 python-dateutil==4.0.0 urllib3==2.8.0
jar=$(echo "$folder"/venv/lib/python3*/site-packages/openapi_generator_cli/openapi-generator.jar)

cat > "$folder/api.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "Jobs", "version": "1"}, "servers": [{"url": "http://localhost"}],
 "paths": {"/job": {"get": {"operationId": "readJob", "responses": {"200": {"description": "It.",
   "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}}}}}},
 "components": {"schemas": {
   "Status": {"type": "string", "enum": ["running", "paused"]},
   "Job": {"type": "object", "required": ["status"], "properties": {"status": {"$ref": "#/components/schemas/Status"}}}}}}
JSON
for language in python java; do
    java -jar "$jar" generate -g $language -i "$folder/api.json" -o "$folder/$language" \
        --additional-properties=enumUnknownDefaultCase=true > "$folder/$language.log" 2>&1
done

{
    grep -rqs 'return UNKNOWN_DEFAULT_OPEN_API;' "$folder/java/src/main" \
        && echo "Java     default: return UNKNOWN_DEFAULT_OPEN_API"
    PYTHONPATH="$folder/python" "$folder/venv/bin/python" - <<'PYTHON'
from openapi_client import Job, Status


def read(status):
    try:
        return Job.from_dict({"status": status}).status.value
    except ValueError:
        return "refused"


print("Python   has the member:", hasattr(Status, "UNKNOWN_DEFAULT_OPEN_API"))
print("Python   reads a known word:", read("running"))
print("Python   reads a new word:", read("archived"))
PYTHON
} | tee "$folder/seen"

cat > "$folder/expected" <<'TEXT'
Java     default: return UNKNOWN_DEFAULT_OPEN_API
Python   has the member: True
Python   reads a known word: running
Python   reads a new word: refused
TEXT
cmp -s "$folder/seen" "$folder/expected" || { echo "The behaviour has changed." >&2; exit 1; }
