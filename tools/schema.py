"""Print the JSON Schema of blueprints: a test compares it with the page.

`make schema` writes it to docs/reference/blueprint.schema.json.
"""

import json

from penstock.models.graph.schema import schema

if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
