"""What the documents say in words, for a schema cannot say it."""

import re

import schemathesis

# As the documents have it: what is of another form stays, for it is to be refused.
JAN = re.compile(r"[0-9]{8}|[0-9]{13}")


def with_check_digit(jan):
    """GS1 General Specifications 7.9.1: from the right, each second digit counts three times."""
    digits = [int(digit) for digit in reversed(jan[:-1])]
    total = sum(digit * (1 if place % 2 else 3) for place, digit in enumerate(digits))
    return f"{jan[:-1]}{-total % 10}"


def worded(value):
    """A body as the words ask for it: whole numbers have no fraction, not even one of nothing
    ("193.0"), and a JAN has its check digit."""
    if isinstance(value, dict):
        value = {key: worded(item) for key, item in value.items()}
        jan = value.get("jan")
        if isinstance(jan, str) and JAN.fullmatch(jan):
            value["jan"] = with_check_digit(jan)
        return value
    if isinstance(value, list):
        return [worded(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@schemathesis.hook
def map_body(context, body):
    return worded(body)
