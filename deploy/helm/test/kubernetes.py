"""Checks objects against Kubernetes' own strict schemas, which the package kubernetes-validate carries, and those in crds/.

Reads JSON from standard input, [[version, object], …], and prints [[index of the object, fault], …].
"""

import json
import pathlib
import re
import sys

import jsonschema
import kubernetes_validate
import referencing

SCHEMAS = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
CRDS = pathlib.Path(__file__).parent / "crds"
validators = {}
registries = {}


def validator(version, api_version, kind):
    key = (version, api_version, kind)
    if key in validators:
        return validators[key]
    if version not in registries:
        definitions = json.loads((SCHEMAS / f"v{version}.0-local-strict/_definitions.json").read_text())
        resource = referencing.Resource.from_contents(definitions)
        registries[version] = referencing.Registry().with_resource(definitions["$id"], resource).crawl()
    group, _, number = api_version.rpartition("/")
    own = CRDS / f"{group}_{number}_{kind}.json"
    name = f"{kind.lower()}-{group.split('.')[0]}-{number}" if group else f"{kind.lower()}-{number}"
    path = own if own.exists() else SCHEMAS / f"v{version}.0-local-strict/{name}.json"
    if not path.exists():
        return None
    schema = json.loads(path.read_text())
    schema["$id"] = f"https://kubernetes.io/api/{name}.json"
    validators[key] = jsonschema.Draft202012Validator(schema, registry=registries[version])
    return validators[key]


def faults_of(version, item):
    found = validator(version, item.get("apiVersion", ""), item.get("kind", ""))
    if found is None:
        return [f"no schema of {item.get('apiVersion')} {item.get('kind')}"]
    return [f"/{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in found.iter_errors(item)]


faults = [[i, text] for i, (version, item) in enumerate(json.load(sys.stdin)) for text in faults_of(version, item)]
json.dump(faults, sys.stdout)
