"""Checks rendered manifests on stdin by schema: Kubernetes's own, strictly (an unknown field is an error), in the oldest and
the newest version that we support, and the operator's. Prints one line for each mistake."""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSIONS = ["1.30", "1.37"]
FOLDER = pathlib.Path(__file__).parent


def mistakes(document, spinkube):
    kind = document.get("kind", "?")
    if document.get("apiVersion", "").startswith("core.spinkube.dev/"):
        schema = {**spinkube.get(kind, {"not": {}}), "$defs": spinkube["$defs"]}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
            yield f"{error.json_path}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            yield f"Kubernetes {version}: {getattr(error, 'message', error)}"


def main():
    spinkube = json.loads((FOLDER / "spinkube.json").read_text())
    documents = [document for document in yaml.safe_load_all(sys.stdin) if document]
    found = [
        f"{document.get('kind')} {document.get('metadata', {}).get('name')}: {mistake}"
        for document in documents
        for mistake in mistakes(document, spinkube)
    ]
    print("\n".join(found) if found else json.dumps(documents))
    return 1 if found else 0


sys.exit(main())
