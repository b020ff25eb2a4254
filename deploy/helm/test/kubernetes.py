"""Checks objects against Kubernetes' own strict schemas, which the package kubernetes-validate carries, and those in crds/.

Reads JSON from standard input: {"texts": ["YAML…"]} gives {"texts": [[object, …]]}; {"objects": [[version, object], …]} gives {"faults": [[index, text], …]}.
YAML is read as YAML 1.1, as Kubernetes does: an unquoted `on` is true.
"""

import json
import pathlib
import re
import sys

import yaml

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


asked = json.load(sys.stdin)
if "texts" in asked:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    answer = {"texts": [[d for d in yaml.load_all(text, loader) if d is not None] for text in asked["texts"]]}
else:
    # Slow to load, and not needed to read YAML.
    import jsonschema
    import kubernetes_validate
    import referencing

    SCHEMAS = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    answer = {"faults": [[i, text] for i, (version, item) in enumerate(asked["objects"]) for text in faults_of(version, item)]}
json.dump(answer, sys.stdout)
