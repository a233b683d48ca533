"""Documents of every type, by PyMongo's `bson.json_util` in each of its modes, to a bridge and back: `pymongo.mjs` runs this."""

import datetime
import os
import sys
import urllib.error
import urllib.request
import uuid

import bson
from bson import json_util

DOCUMENT = {
    "string": "Zelda",
    "int": 5,
    "long": bson.Int64(5),
    "large": 2**40,
    "double": 29.99,
    "whole": 30.0,
    "decimal": bson.Decimal128("0.10"),
    "id": bson.ObjectId("5a1f00000000000000000001"),
    "date": datetime.datetime(2021, 3, 4, 5, 6, 7, 89000, tzinfo=datetime.timezone.utc),
    "early": datetime.datetime(1969, 7, 20, 20, 17, 40, tzinfo=datetime.timezone.utc),
    "bytes": b"\x01\x02\x03",
    "binary": bson.Binary(b"\x01\x02", 0x80),
    "timestamp": bson.Timestamp(5, 6),
    "code": bson.Code("f()"),
    "scope": bson.Code("f()", {"a": True}),
    "least": bson.MinKey(),
    "most": bson.MaxKey(),
    "none": None,
    "true": True,
    "list": [1, "a", {"b": [None]}],
}
# Not in mode LEGACY, which writes it without hyphens.
UUID = uuid.UUID("73ffd264-44b3-4c69-90e8-e7d1dfc035d4")
MODES = {
    "RELAXED": json_util.RELAXED_JSON_OPTIONS,
    "CANONICAL": json_util.CANONICAL_JSON_OPTIONS,
    "LEGACY": json_util.LEGACY_JSON_OPTIONS,
}


def post(action, body):
    request = urllib.request.Request(
        f"{os.environ['ENDPOINT']}/action/{action}",
        body.encode(),
        {"apiKey": os.environ["KEY"], "Content-Type": "application/ejson", "Accept": "application/ejson"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{action} was answered {error.code}: {error.read().decode()}")


def main():
    namespace = {"dataSource": os.environ["SOURCE"], "database": os.environ["DATABASE"], "collection": "json_util"}
    for name, options in MODES.items():
        options = options.with_options(uuid_representation=bson.binary.UuidRepresentation.STANDARD, tz_aware=True)
        document = dict(DOCUMENT, _id=name)
        if name != "LEGACY":
            document["uuid"] = UUID
        post("insertOne", json_util.dumps(dict(namespace, document=document), json_options=options))
        found = post("findOne", json_util.dumps(dict(namespace, filter={"_id": name}), json_options=options))
        found = json_util.loads(found, json_options=options)["document"]
        for key, value in document.items():
            assert found[key] == value, f"{name}: {key}: {found[key]!r} is not {value!r}"
        print(f"{len(document)} types in mode {name}")


if sys.argv[1] == "version":
    import pymongo

    print(pymongo.version)
else:
    main()
