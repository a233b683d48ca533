"""What Schemathesis must be told beside MongoDB's OpenAPI file.

- It knows no `application/ejson`; every JSON text is one.
- The file's only schema for 400 has the texts of two authentication errors. The service answered 400 to every other mistake
  of a client too, in the same form; so any error in that form is taken, and the two texts are asked for in
  `tests/wire/authentication.rs`.
- Any string is a `dataSource` to the file, but only one names ours: with others, nothing would ever reach MongoDB.
"""

import json

import schemathesis


@schemathesis.serializer("application/ejson")
def ejson(ctx, value):
    return json.dumps(value).encode()


@schemathesis.deserializer("application/ejson")
def read_ejson(ctx, response):
    return json.loads(response.content)


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    errors = raw_schema["components"]["responses"]["BadRequestError"]["content"]["application/json"]
    errors["schema"] = {
        "allOf": [{"$ref": "#/components/schemas/Error"}],
        "required": ["error", "error_code", "link"],
    }
    names = raw_schema["components"]["schemas"]["Namespace"]["properties"]
    names["dataSource"]["const"] = "mongodb-atlas"
    names["database"]["pattern"] = "^schemathesis[0-9]$"
    names["collection"]["pattern"] = "^[a-z]{1,3}$"
