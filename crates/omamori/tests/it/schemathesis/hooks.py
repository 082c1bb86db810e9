"""What the documents say in words, for a schema cannot say it."""

import schemathesis


def worded(value):
    """A body as the words ask for it: whole numbers have no fraction, not even one of nothing
    ("193.0"), and a JAN has its check digit."""
    if isinstance(value, dict):
        value = {key: worded(item) for key, item in value.items()}
        if isinstance(value.get("jan"), str):
            value["jan"] = "4901234567894"
        return value
    if isinstance(value, list):
        return [worded(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@schemathesis.hook
def map_body(context, body):
    return worded(body)
